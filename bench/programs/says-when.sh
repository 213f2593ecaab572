# says-when.sh <fifo>: what says-when.c does, where there is no compiler. With a second argument, ends on SIGTERM after that many seconds.
if [ -n "$2" ]; then trap 'sleep "$2"; exit 0' TERM; fi
printf '!' >"$1"
while :; do sleep 1000 & wait $!; done
