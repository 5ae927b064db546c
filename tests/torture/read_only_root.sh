#!/bin/sh
# Run a command as nobody, without any capability, in a root file system of its own of
# which it can write one folder: what a container with --read-only gives it. It becomes
# PID 1, and what is mounted here ends with it.
# Usage: unshare --mount --pid --fork --kill-child sh read_only_root.sh \
#            EMPTY_FOLDER WRITABLE_FOLDER READABLE_FOLDER... -- COMMAND...
set -eu

root=$1
volume=$2
shift 2

mount -t tmpfs -o mode=0755 read-only-root "$root"
while [ "$1" != -- ]; do
  if [ -L "$1" ]; then
    mkdir -p "$root$(dirname "$1")"
    cp -P "$1" "$root$1"
  else
    mkdir -p "$root$1"
    mount --bind "$1" "$root$1"
    mount -o remount,bind,ro "$root$1"
  fi
  shift
done
shift
mkdir -p "$root/proc" "$root/dev" "$root$volume"
mount -t proc proc "$root/proc"
for device in null zero urandom random; do
  : > "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount --bind "$volume" "$root$volume"
mount -o remount,ro "$root"

exec unshare --root="$root" --wd="$volume" \
  setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \
  --bounding-set=-all --inh-caps=-all \
  env -i PATH=/usr/bin:/bin HOME=/nonexistent PYTHONPATH="${PYTHONPATH:-}" "$@"
