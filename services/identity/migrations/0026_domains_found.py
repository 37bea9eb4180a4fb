"""People are found by the domain of their address as they write it: kept is `xn--mller-bau-q9a`, typed is müller-bau."""

from shared.migrations.tables import execute

revision = "0026"
down_revision = "0025"

OWN_SCRIPT = r"""
create function in_own_script(address text) returns text language plpgsql immutable strict parallel safe as $$
-- An address with the labels of its domain decoded (RFC 3492, with the parameters of IDNA); '' where none is encoded or
-- one cannot be decoded.
declare
    label text;
    labels text[] := '{}';
    points int[];
    code text;
    hyphen int;
    place bigint;
    before bigint;
    weight bigint;
    base int;
    digit int;
    threshold int;
    bias int;
    point bigint;
    delta bigint;
    size int;
begin
    if address !~ '[@.]xn--' then
        return '';
    end if;
    foreach label in array string_to_array(substr(address, strpos(address, '@') + 1), '.') loop
        if label not like 'xn--%' then
            labels := labels || label;
            continue;
        end if;
        code := substr(label, 5);
        hyphen := length(code) - strpos(reverse(code), '-') + 1;
        points := '{}';
        if strpos(code, '-') > 0 then
            points := array(select ascii(each) from unnest(string_to_array(left(code, hyphen - 1), null)) as each);
            code := substr(code, hyphen + 1);
        end if;
        point := 128;
        place := 0;
        bias := 72;
        while code <> '' loop
            before := place;
            weight := 1;
            base := 36;
            loop
                digit := strpos('abcdefghijklmnopqrstuvwxyz0123456789', left(code, 1)) - 1;
                if code = '' or digit < 0 or weight > 2147483647 then
                    return '';
                end if;
                code := substr(code, 2);
                place := place + digit * weight;
                threshold := greatest(1, least(26, base - bias));
                exit when digit < threshold;
                weight := weight * (36 - threshold);
                base := base + 36;
            end loop;
            size := cardinality(points) + 1;
            delta := (place - before) / case when before = 0 then 700 else 2 end;
            delta := delta + delta / size;
            bias := 0;
            while delta > 455 loop
                delta := delta / 35;
                bias := bias + 36;
            end loop;
            bias := bias + 36 * delta / (delta + 38);
            point := point + place / size;
            place := place % size;
            if point > 1114111 or point between 55296 and 57343 then
                return '';
            end if;
            points := points[1:place] || point::int || points[place + 1:];
            place := place + 1;
        end loop;
        labels := labels || (select string_agg(chr(each), '' order by at) from unnest(points) with ordinality as p (each, at));
    end loop;
    return left(address, strpos(address, '@')) || array_to_string(labels, '.');
end
$$
"""


def upgrade() -> None:
    execute(
        [
            OWN_SCRIPT,
            "alter table people drop column found_by",
            """alter table people add column found_by text not null generated always as (found_by(
                first_name || ' ' || last_name || ' ' || coalesce(email, '') || ' ' || coalesce(in_own_script(email), '')
            )) stored""",
        ]
    )
