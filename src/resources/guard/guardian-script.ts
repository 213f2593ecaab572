/**
 * The guardian, in the shell that every Unix has (dash, busybox's ash and bash run it alike). It is called with the ledger's path, its owner's
 * pid and start time, and the seconds that a command may take; its standard input ends when the owner does.
 *
 * What it may rely on: only words that `tokens.ts` writes are split or evaluated, numbers are checked to be numbers before either, and a path
 * is decoded into a variable and only ever used within quotes. It releases by the same rules as `reclaim.ts`, which the tests hold against it.
 *
 * It forks for `stat`, `rm`, `cat` and `ipcrm` once each, whatever there is to release, for `grep` where a file may be shared with owners of
 * other ledgers, and once for each look for marked processes: forks are nearly all of the time it takes.
 *
 * Its input ends when the last process that has the other end is gone. A child that the owner has forked and that is not its own program yet, and
 * so carries no mark, has that end too: none of them is missed.
 */
export const GUARDIAN_SCRIPT: string = `
set -f
trap '' HUP INT QUIT PIPE ALRM TERM USR1 USR2 TSTP TTIN TTOU
unset TREEWARDEN_GUARDIAN TREEWARDEN_MARK
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ledger=$1 owner=$2 ticks=$3 limit=$4
newline='
'
blanks=" 	$newline"
# The last to be ended where memory is short; only root may ask for that.
{ echo -900 >/proc/$$/oom_score_adj; } 2>/dev/null

# A descriptor of the ledger finds it when somebody has cleaned up its directory.
{ command exec 3<"$ledger"; } 2>/dev/null
while read -r word; do
  case $word in
    rewritten) { command exec 3<"$ledger"; } 2>/dev/null ;;
    nothing-left) exit 0 ;;
  esac
done
exec </dev/null

is_number() { case $1 in '' | *[!0-9]*) return 1 ;; esac; }

# Reads the ledger from standard input: w_<n> is what was wanted, h_<n> what it is, order the numbers, newest first.
load() {
  order= guarded=
  read -r magic version scope pid start pidns ipcns mntns boot uid end || return 1
  [ "$magic $version $pid $start $end" = "treewarden-ledger 1 $owner $ticks ." ] && is_number "$uid" || return 1
  while read -r verb n rest; do
    is_number "$n" || continue
    case $rest in
      *' .') rest=\${rest% .} ;;
      .) rest= ;;
      *) continue ;;
    esac
    case $verb in
      w) eval "w_$n=\\$rest h_$n="; order="$n $order" ;;
      h) eval "h_$n=\\$rest" ;;
      d) eval "w_$n= h_$n=" ;;
      # Who is not written down there leaves it to the next start, which cannot know of it.
      g) guarded=; [ "$n" = $$ ] && guarded=1 ;;
    esac
  done
  [ "$guarded" ]
}
{ load <"$ledger" || load <&3; } 2>/dev/null || exit 1

left= gone=
released() { eval "w_$1="; gone="$gone $1"; }

decode() {
  case $1 in
    '""') text= ;;
    # The full stop keeps line ends at the end of it.
    *\\\\*) text=$(printf '%b.' "$1"); text=\${text%.} ;;
    *) text=$1 ;;
  esac
}

# Centiseconds since boot; without /proc, those that were waited for.
now=0 tick=0 wait=
look_at_clock() {
  if { read -r up rest </proc/uptime; } 2>/dev/null; then now=$((\${up%.*} * 100 + 1\${up#*.} - 100)); else now=$((now + tick)); fi
}
pause() {
  case $wait in
    '') wait=0.002 tick=0 ;;
    0.002) wait=0.005 ;;
    0.005) wait=0.01 tick=1 ;;
    0.01) wait=0.02 tick=2 ;;
    0.02) wait=0.05 tick=5 ;;
    *) wait=0.1 tick=10 ;;
  esac
  sleep $wait 2>/dev/null || { tick=100; sleep 1; }
}

# What /proc says of process $1: state, group, started.
status() {
  state= group= started=
  line=
  { while read -r part; do line="$line $part"; done </proc/$1/stat; } 2>/dev/null || return 1
  [ "$line" ] || return 1
  set -- \${line##*) }
  state=$1 group=$3 started=\${20}
}
own_proc=
{ read -r me rest </proc/self/stat; } 2>/dev/null && [ "$me" = $$ ] && own_proc=1

# Whether group $1, whose leader started at $2, is ours and has a living member. A zombie is none; a number stays the group's while it has any.
lives() {
  kill -0 -"$1" 2>/dev/null || return 1
  [ "$own_proc" ] || return 0
  if status "$1"; then
    [ "$started" = "$2" ] || return 1
    case $state in Z | X) ;; *) return 0 ;; esac
  fi
  set +f
  # Four times as fast as this shell can split as many lines, which it does only where there is no grep.
  grep -sqE "^[0-9]+ \\(.*\\) [^ZX] [0-9]+ $1 " /proc/[0-9]*/stat
  case $? in
    0) set -f; return 0 ;;
    # 2: one that was listed has ended before it was read.
    1 | 2) set -f; return 1 ;;
  esac
  all=$(cat /proc/[0-9]*/stat 2>/dev/null)
  set -f
  IFS=$newline
  for line in $all; do
    IFS=' '
    set -- "$1" \${line##*) }
    [ "$4" = "$1" ] && case $2 in Z | X) ;; *) IFS=$blanks; return 0 ;; esac
  done
  IFS=$blanks
  return 1
}

ask_group() { case $1 in -) ;; *) kill -"$1" -"$2" 2>/dev/null ;; esac; }

# 1. The processes, before anything they may use.
waiting= marks= marked= grace=0
look_at_clock
for n in $order; do
  eval "what=\\$w_$n have=\\$h_$n"
  set -- $what
  case $1 in
    group) ;;
    marked)
      case $2 in
        '' | *[!a-z0-9]*) released $n ;;
        *) marks="$marks|$2" marked="$marked $n" ;;
      esac
      is_number "$3" && [ "$3" -gt $grace ] && grace=$3
      continue ;;
    *) continue ;;
  esac
  if is_number "$2" && [ "$2" -gt 1 ] && is_number "$have" && lives "$2" "$have"; then
    # Its leader is told to finish its work; the rest waits for that. While the group lives, the number is nobody else's.
    if is_number "$6" && kill -"$5" "$2" 2>/dev/null; then
      eval "e_$n=$((now + ($6 + 9) / 10))"
    else
      ask_group "$4" "$2"
    fi
    case $3 in inf) eval "t_$n=inf" ;; *) is_number "$3" && eval "t_$n=$((now + ($3 + 9) / 10))" || eval "t_$n=$now" ;; esac
    waiting="$waiting $n"
  else
    released $n
  fi
done
# Without grep, or with a /proc that is not ours, they are left to the next start.
if [ "$marks" ] && ! { [ "$own_proc" ] && command -v grep >/dev/null; }; then marks= left=1; fi

# Asks every process that carries a mark to end, and kills those that have not when the time is up. One is signalled once it was found twice and
# started when it did before the second look: so it carried the mark, and is not another that got its pid. What is in a group that is still
# waited for has that group's signal and time.
asked= any= deadline= quiet=0 skipped=0
sweep() {
  set +f
  found=$(grep -lszE "^TREEWARDEN_MARK=([a-z0-9:]*;)*(\${marks#|}):" /proc/[0-9]*/environ)
  set -f
  asked= any= skipped=0
  for path in $found; do
    pid=\${path#/proc/}
    pid=\${pid%/environ}
    is_number "$pid" && [ "$pid" != $$ ] && status "$pid" || continue
    case $state in Z | X) continue ;; esac
    any=1
    case $groups in *" $group "*) continue ;; esac
    asked="$asked $pid"
    eval "before=\\$m_$pid"
    if [ "\${before%:asked}" != "$started" ]; then
      eval "m_$pid=$started"
      wait=
      continue
    fi
    [ "$deadline" ] || deadline=$((now + (grace + 9) / 10))
    if [ $now -ge $deadline ]; then
      kill -KILL "$pid" 2>/dev/null
    elif [ "$before" = "$started" ]; then
      kill -TERM "$pid" 2>/dev/null
      kill -CONT "$pid" 2>/dev/null
      eval "m_$pid=$started:asked"
      wait=
    fi
  done
  if [ "$any" ]; then quiet=0; elif [ -z "$waiting" ]; then quiet=$((quiet + 1)); fi
}
# Those that were asked are watched without a process of ours; now and then one looks for others.
are_ending() {
  [ $skipped -lt 20 ] || return 1
  skipped=$((skipped + 1)) ending=1
  [ "$asked" ] || { [ "$any" ] && [ "$waiting" ] && return 0; }
  [ "$deadline" ] && [ $now -lt $deadline ] || return 1
  for pid in $asked; do
    eval "before=\\$m_$pid"
    [ "$before" != "\${before%:asked}" ] || return 1
    status "$pid" && [ "$started:asked" = "$before" ] || continue
    case $state in Z | X) ;; *) ending=0 ;; esac
  done
  return $ending
}
end_marked() {
  are_ending && return
  sweep
  # What becomes another program has no environment for a moment: several looks in a row have to find nobody.
  case $quiet in
    0) ;;
    [12]) wait=0.005 ;;
    *) for n in $marked; do released $n; done; marks= ;;
  esac
  # They were killed, and are in the hands of the kernel: the rest need not wait for them for ever.
  if [ "$asked" ] && [ "$deadline" ] && [ $now -ge $((deadline + 500)) ]; then marks= left=1; fi
}
while :; do
  still= groups=' '
  for n in $waiting; do
    eval "what=\\$w_$n have=\\$h_$n end=\\$t_$n drained=\\$e_$n"
    set -- $what
    if ! lives "$2" "$have"; then released $n; continue; fi
    if [ "$drained" ] && { [ $now -ge $drained ] || ! kill -0 "$2" 2>/dev/null; }; then
      ask_group "$4" "$2"
      eval "e_$n="
    fi
    still="$still $n" groups="$groups$2 "
    case $end in
      inf) ;;
      # It was killed, and is in the hands of the kernel: the rest need not wait for it for ever.
      killed*) [ $now -lt \${end#killed} ] || { left=1; still=\${still% $n}; } ;;
      *) [ $now -lt $end ] || { kill -KILL -"$2" 2>/dev/null; eval "t_$n=killed$((now + 500))"; } ;;
    esac
  done
  waiting=$still
  [ -z "$marks" ] || end_marked
  [ "$waiting$marks" ] || break
  pause
  look_at_clock
done

# 2. The commands, newest first: each may need what was there before it.
run() {
  for word; do
    shift
    decode "$word"
    set -- "$@" "$text"
  done
  (
    trap - HUP INT QUIT PIPE ALRM TERM USR1 USR2 TSTP TTIN TTOU
    exec 3<&-
    command -v timeout >/dev/null && exec timeout -s KILL "$limit" "$@"
    exec "$@"
  ) >/dev/null 2>&1 &
  running=$!
  command -v timeout >/dev/null || give_time
  { wait $running; } 2>/dev/null
}
give_time() {
  look_at_clock
  end=$((now + limit * 100)) wait=
  while kill -0 $running 2>/dev/null; do
    status $running && case $state in Z | X) break ;; esac
    if [ $now -ge $end ]; then kill -KILL $running; break; fi
    pause
    look_at_clock
  done
}
for n in $order; do
  eval "what=\\$w_$n"
  case $what in
    # One that fails stays, for the next start to tell of.
    command\\ *) run \${what#command } && released $n || left=1 ;;
  esac
done

# 3. System V: what the kernel lists and is ours by key, size, owner and id; what has no id yet, by its maker or time.
objects= keys=
for n in $order; do
  eval "what=\\$w_$n"
  case $what in
    sysv-*) set -- $what; objects="$objects $n" keys="$keys $2 " ;;
  esac
done
is_ours() {
  for n in $objects; do
    eval "set -- \\$w_$n \\$h_$n"
    [ "$1 $2 $3" = "$type $key $amount" ] || continue
    if [ "$5" ]; then
      [ "$5" = "$id" ] || continue
      case $type in
        sysv-shm) [ "$6" = "$maker" ] || continue ;;
        *) is_number "$6" && [ "$changed" -ge "$6" ] || continue ;;
      esac
    else
      [ "$key" != 0 ] && is_number "$4" && [ "$changed" -ge "$4" ] || continue
      case $type in sysv-shm) [ "$maker" = "$owner" ] || continue ;; esac
    fi
    return 0
  done
  return 1
}
find_objects() {
  found=
  all=$(cat /proc/sysvipc/shm /proc/sysvipc/sem 2>/dev/null)
  IFS=$newline
  for line in $all; do
    IFS=$blanks
    set -- $line
    case "$1 $2" in
      'key shmid') type=sysv-shm; continue ;;
      'key semid') type=sysv-sem; continue ;;
    esac
    case $keys in *" $1 "*) ;; *) continue ;; esac
    key=$1 id=$2 amount=$4
    case $type in
      sysv-shm) maker=$5 by=$8 changed=\${14} how=-m ;;
      *) maker= by=$5 changed=\${10} how=-s ;;
    esac
    [ "$by" = "$uid" ] && is_ours && found="$found $how $id"
  done
  IFS=$blanks
}
if [ "$objects" ]; then
  find_objects
  if [ "$found" ] && ! ipcrm $found >/dev/null 2>&1; then
    # Somebody else may have been faster.
    find_objects
  else
    found=
  fi
  # Where the kernel does not list them, none is known to be ours.
  if [ "$found" ] || ! [ -r /proc/sysvipc/shm ]; then left=1; else for n in $objects; do released $n; done; fi
fi

# 4. Who else lists the shared files: users is made of " path device:inode " of those who do not leave theirs. First it is written down that
# we leave ours, so that whoever comes from now on waits until this ledger is gone, and of several who leave the last one finds nobody.
shared= users= unknown=
for n in $order; do
  eval "what=\\$w_$n have=\\$h_$n"
  case $what in shared-file\\ *) [ -z "$have" ] || shared="$shared $n" ;; esac
done
leave() { [ ! -e "$ledger" ] || { echo; for n in $shared; do echo "l $n ."; done; } >>"$ledger"; }
find_users() {
  set +f
  set -- "\${ledger%/*}"/*.ledger*
  set -f
  for path; do
    shift
    case $path in "$ledger" | *'.ledger*') ;; *.ledger | *.ledger.by-*) set -- "$@" "$path" ;; esac
  done
  [ $# -gt 0 ] || return 0
  all=$(grep -h ' \\.$' -- "$@" 2>/dev/null)
  # One that went away meanwhile may have got another name.
  [ $? -le 1 ] || return 1
  last=0 listed= ignored=
  IFS=$newline
  for line in $all; do
    IFS=$blanks
    set -- $line
    case $1 in
      treewarden-ledger)
        last=$((last + 1)) ignored=
        [ "$9" = "$boot" ] || ignored=1
        continue ;;
    esac
    [ -z "$ignored" ] && is_number "$2" || continue
    one=\${last}_$2
    case "$1 $3" in
      'w shared-file') eval "p_$one=\\$6 i_$one="; listed="$listed $one" ;;
      h\\ *) eval "i_$one=\\$3:\\$4" ;;
      l\\ * | d\\ *) eval "p_$one=" ;;
    esac
  done
  IFS=$blanks
  for one in $listed; do eval "users=\\"\\$users \\$p_$one \\$i_$one \\""; done
}
if [ "$shared" ]; then
  { leave; } 2>/dev/null || unknown=1
  tries=100
  until [ "$unknown" ] || find_users; do tries=$((tries - 1)); [ $tries -gt 0 ] || unknown=1; done
  [ -z "$unknown" ] || left=1
fi

# 5. Files and directories: the names that still lead to what was made; before that was known, the random name alone.
stats() {
  all=$(stat -c %d:%i:%u -- "$@" 2>/dev/null)
  # As BSD spells it; where there is no stat at all, nothing is known to be ours.
  [ "$all" ] || all=$(stat -f %d:%i:%u -- "$@" 2>/dev/null)
}
set --
wanted= files=
for n in $order; do
  eval "what=\\$w_$n have=\\$h_$n"
  case $what in
    file\\ [01]\\ * | directory\\ [01]\\ *) ;;
    shared-file\\ [01]\\ *) [ -z "$unknown" ] || [ -z "$have" ] || continue ;;
    *) continue ;;
  esac
  files="$files $n"
  paths=\${what#* [01] }
  if [ "$have" ]; then expected="\${have% *}:\${have#* }:*"; else expected="*:*:$uid" paths=\${paths%% *}; fi
  # What others share is theirs by its proper name.
  case $what in shared-file*) case $users in *" \${paths#* } \${have% *}:\${have#* } "*) paths=\${paths%% *} ;; esac ;; esac
  for word in $paths; do
    decode "$word"
    case $text in /*) ;; *) continue ;; esac
    if [ -e "$text" ] || [ -L "$text" ]; then set -- "$@" "$text"; wanted="$wanted $expected"; fi
  done
done
if [ $# -gt 0 ]; then
  count=0
  stats "$@"
  for one in $all; do count=$((count + 1)); done
  # Some went away meanwhile, and the rest cannot be told apart by their order.
  told=
  [ $count != $# ] || told=$all
  for path; do
    shift
    wanted=\${wanted# }
    expected=\${wanted%% *} wanted=\${wanted#* }
    if [ "$told" ]; then one=\${told%%"$newline"*} told=\${told#*"$newline"}; else stats "$path"; one=$all; fi
    case $one in $expected) set -- "$@" "$path" ;; esac
  done
fi
if [ $# -gt 0 ] && ! rm -rf -- "$@" 2>/dev/null || [ "$files" ] && ! command -v stat >/dev/null; then left=1; else for n in $files; do released $n; done; fi

# 6. The ledger, unless something is left for the next start.
if [ "$left" ]; then
  [ -e "$ledger" ] && for n in $gone; do echo "d $n ."; done >>"$ledger"
else
  rm -f -- "$ledger"
  # Its owner died writing it anew.
  is_number "$pidns" && rm -f -- "$ledger.$pidns.new"
fi
`;
