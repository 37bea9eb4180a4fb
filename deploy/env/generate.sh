#!/bin/sh
# Write .env from .env.example, with 192 random bits for each empty secret. Run it again after an update: what is set
# stays as it is, and secrets that are new get added.
set -eu
cd "$(dirname "$0")/../.."
umask 077
example=deploy/env/.env.example

random() {
    printf 'p' # a letter first, so that nobody takes it for a number
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

fill_in() {
    while IFS= read -r line; do
        case $line in
            *PASSWORD*= | *_KEY=) printf '%s%s\n' "$line" "$(random)" ;;
            *) printf '%s\n' "$line" ;;
        esac
    done
}

kept_and_new() {
    awk 1 .env # ends the last line, if an editor did not
    grep '=$' "$example" | while IFS= read -r line; do
        grep -q "^$line" .env || printf '%s\n' "$line"
    done
}

if [ -f .env ]; then
    kept_and_new | fill_in > .env.new
else
    fill_in < "$example" > .env.new
fi
mv .env.new .env
echo "The secrets are in .env, readable by you alone. Now: docker compose up -d --wait"
