# SPDX-License-Identifier: Apache-2.0
# The state that the samples of README assume: a clone that is built, a demo that keeps running in another terminal, a
# process called sleep, and another one that ends every second. doc/run-guides runs this before the blocks of README.

# On a busy machine, the demo repeats some steps. README does not show that.
cat >bootstrap <<'END'
#!/bin/sh
test "$1" = demo
shift
daemoneye-agent --demo "$@" 2>>bootstrap.log | grep --line-buffered -v ' (round [0-9]*: '
END
chmod +x bootstrap
export TMPDIR=/tmp

sleep 1000 &
cp "$(command -v sleep)" tick
while ./tick 1; do :; done &
mkfifo other-terminal
./bootstrap demo --keep >other-terminal &
exec 3<other-terminal
while IFS= read -r line; do
  printf '%s\n' "$line"
  case $line in *--address*) break ;; esac
done <&3
DAEMONEYE_BROKER_SOCKET=${line##*--address }
DAEMONEYE_BROKER_SOCKET=${DAEMONEYE_BROKER_SOCKET%% *}
export DAEMONEYE_BROKER_SOCKET
