# SPDX-License-Identifier: Apache-2.0
# bash completion for deyebusctl: verbs, options, and the peers, methods and topics that are on the bus now.

_deyebusctl_words ()
{
  deyebusctl "${_deyebusctl_address[@]}" complete-words "$@" 2>/dev/null
}

# Offers the words on standard input that begin like the current word. The shell never expands them.
_deyebusctl_offer ()
{
  local word
  while IFS= read -r word; do
    [[ $word == "$cur"* ]] && COMPREPLY+=("$word")
  done
}

_deyebusctl ()
{
  local verbs='status peers peer topics subs groups retained clear introspect call request publish broadcast direct subscribe stats slow timeline wait watch drain resume collectors health ask operations tasks task version help'
  local pairs=' operations:pause operations:resume operations:limit task:submit task:show task:why task:history task:result task:cancel task:release task:drop '
  local common='--address --timeout --help'
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
  local verb='' word i place=0 arguments=()
  _deyebusctl_address=()
  COMPREPLY=()

  # The verb is the first word that is not an option, or the first two such words; the words after it are its arguments.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
    -a | --address) _deyebusctl_address=(--address "${COMP_WORDS[++i]}") ;;
    -t | --timeout | -n | --count | -w | --wait | --type | --group | --policy | --queue-messages | --queue-bytes | --framing | --correlation-id | --parent-id | --root-id | --stage | --tag | --traceparent | --filter-correlation | --filter-root | --filter-stage | --filter-tag | --expect | --stall | --hold | --operation | --state | --holder | --account | --id | --cause | --payload | --payload-type | --priority | --deadline | --delay | --target | --run-limit | --attempts | --grace | --strategy | --require | --some | --shards) ((i++)) ;;
    -*) ;;
    *)
      if [ -z "$verb" ]; then
        verb=$word
      elif [[ $place == 0 && $pairs == *" $verb:$word "* ]]; then
        verb="$verb $word"
      else
        arguments+=("$word")
        ((place++))
      fi
      ;;
    esac
  done

  case $prev in
  -a | --address) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
  --framing) COMPREPLY=($(compgen -W 'none newline nul length' -- "$cur")); return ;;
  --policy) COMPREPLY=($(compgen -W 'block drop-oldest drop-newest error conflate' -- "$cur")); return ;;
  -t | --timeout | -n | --count | -w | --wait | --type | --group | --queue-messages | --queue-bytes | --correlation-id | --parent-id | --root-id | --stage | --tag | --traceparent | --filter-correlation | --filter-root | --filter-stage | --filter-tag | --stall | --hold | --account | --id | --cause | --payload | --payload-type | --priority | --deadline | --delay | --run-limit | --attempts | --grace | --some | --shards) return ;;
  --operation) _deyebusctl_offer < <(_deyebusctl_words operations); return ;;
  --holder | --target) _deyebusctl_offer < <(_deyebusctl_words peers); return ;;
  --strategy) COMPREPLY=($(compgen -W 'round-robin least-loaded random first-available' -- "$cur")); return ;;
  --state)
    case $verb in
    collectors) COMPREPLY=($(compgen -W 'registered ready suspect set-aside draining gone' -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W 'queued delayed offered running cancelling succeeded failed timed-out cancelled quarantined' -- "$cur")) ;;
    esac
    return
    ;;
  --require) COMPREPLY=($(compgen -W 'all any' -- "$cur")); return ;;
  --expect) COMPREPLY=($(compgen -W 'all' -- "$cur")); return ;;
  esac

  if [[ $cur == -* ]]; then
    case $verb in
    introspect) common+=' --json --xml' ;;
    call) common+=' --json --type --raw --trace' ;;
    request) common+=' --json --type --raw --trace --expect --stall --correlation-id --parent-id --root-id --stage --tag --traceparent' ;;
    publish) common+=' --json --type --raw --framing --trace --retain --hold --at-least-once --confirm --correlation-id --parent-id --root-id --stage --tag --traceparent' ;;
    broadcast) common+=' --json --type --raw --trace --retain --correlation-id --parent-id --root-id --stage --tag --traceparent' ;;
    direct) common+=' --json --type --raw --trace --delivered --correlation-id --parent-id --root-id --stage --tag --traceparent' ;;
    subscribe) common+=' --json --raw --count --wait --headers --timestamp --group --policy --queue-messages --queue-bytes --framing --filter-correlation --filter-root --filter-stage --filter-tag' ;;
    watch) common+=' --json --count --wait' ;;
    stats) common+=' --json --subscriptions --groups --domains' ;;
    drain) common+=' --json --grace --expect-exit' ;;
    collectors) common+=' --json --operation --type --state --tag' ;;
    ask) common+=' --json --raw --require --some --shards --type --tag --payload-type --hex --priority --stall --missing' ;;
    tasks) common+=' --json --operation --state --holder --account' ;;
    'operations limit') common+=' --json --strategy' ;;
    'task submit') common+=' --json --raw --id --payload --payload-type --hex --type --target --tag --exclusive --priority --deadline --delay --run-limit --attempts --cancel-when-gone --no-wait' ;;
    'task result') common+=' --json --raw --account' ;;
    'task cancel' | 'task release' | 'task drop') common+=' --json --account --cause' ;;
    'task '*) common+=' --json --account' ;;
    operations* | resume | status | peers | peer | topics | subs | groups | retained | clear | health | slow | timeline | wait | version) common+=' --json' ;;
    esac
    COMPREPLY=($(compgen -W "$common" -- "$cur"))
    return
  fi

  case $verb:$place in
  :*) COMPREPLY=($(compgen -W "$verbs" -- "$cur")) ;;
  task:0) COMPREPLY=($(compgen -W 'submit show why history result cancel release drop' -- "$cur")) ;;
  operations:0) COMPREPLY=($(compgen -W 'pause resume limit' -- "$cur")) ;;
  'task submit:0' | ask:0 | 'operations '*:0) _deyebusctl_offer < <(_deyebusctl_words operations) ;;
  'task '*:*) _deyebusctl_offer < <(_deyebusctl_words tasks) ;;
  help:0) COMPREPLY=($(compgen -W "$verbs" -- "$cur")) ;;
  peer:0 | subs:0 | health:0 | stats:0 | slow:0 | wait:0 | watch:0 | drain:0 | resume:0 | call:0 | direct:0) _deyebusctl_offer < <(_deyebusctl_words peers) ;;
  call:1) _deyebusctl_offer < <(_deyebusctl_words methods "${arguments[0]}") ;;
  introspect:0) _deyebusctl_offer < <(_deyebusctl_words peers; _deyebusctl_words topics) ;;
  topics:0 | retained:0 | clear:0 | request:0 | publish:0 | broadcast:0 | subscribe:0 | direct:1) _deyebusctl_offer < <(_deyebusctl_words topics) ;;
  esac
}

complete -F _deyebusctl deyebusctl
