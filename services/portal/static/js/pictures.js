// Shows who has a picture. Without this file, and of everybody who has none, the initials stand.
//
// A face is an `.avatar` with `data-person`. Who of a page has a picture is asked at once, and again only for people whom an
// update brings in; a picture itself stays in the browser, as another one has another address.
const PICTURES = '/api/client-portal/people/pictures';
const AT_ONCE = 100;

/** The picture's id by that of a person, or null of who has none. */
const known = new Map();

const faces = () => [...document.querySelectorAll('.avatar[data-person]')].filter((face) => !face.querySelector('img'));

async function look() {
  const unknown = [...new Set(faces().map((face) => face.dataset.person))].filter((id) => !known.has(id)).slice(0, AT_ONCE);
  for (const id of unknown) known.set(id, null);
  if (unknown.length && !(await ask(unknown))) for (const id of unknown) known.delete(id);
  for (const face of faces()) if (known.get(face.dataset.person)) draw(face, known.get(face.dataset.person));
}

/** Whether it was answered. */
async function ask(people) {
  try {
    const answer = await fetch(`${PICTURES}?${new URLSearchParams(people.map((id) => ['id', id]))}`);
    if (!answer.ok) return false;
    for (const { person_id: person, picture_id: picture } of (await answer.json()).items) known.set(person, picture);
    return true;
  } catch {
    return false;
  }
}

function draw(face, picture) {
  const image = Object.assign(new Image(), { src: `${PICTURES}/${picture}`, alt: '' });
  image.addEventListener('error', () => image.remove());
  face.append(image);
}

document.addEventListener('htmx:afterSettle', look);
look();
