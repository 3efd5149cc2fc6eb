# Completion of gpuinit's options for bash; after them the command completes as itself.
_gpuinit() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  local options='--check --facts --explain --print-policy --changed --seal --no-run --policy --set --root --image --node
                 --image-config --format --supervise --quiet --verbose --version --help'

  # The first word that is neither an option nor its value begins the command.
  local i=1
  while ((i < COMP_CWORD)); do
    case ${COMP_WORDS[i]} in
      --) ((i++)); break ;;
      --policy | --set | --root | --image | --node | --image-config | --format | --explain | --seal) ((i += 2)) ;;
      -*) ((i++)) ;;
      *) break ;;
    esac
  done
  if ((i < COMP_CWORD)) || [[ $i -eq $COMP_CWORD && ${COMP_WORDS[i-1]} == -- ]]; then
    if declare -F _command_offset > /dev/null; then _command_offset "$i"
    elif ((i == COMP_CWORD)); then mapfile -t COMPREPLY < <(compgen -c -- "$cur")
    else mapfile -t COMPREPLY < <(compgen -f -- "$cur"); fi
    return
  fi

  local words=
  case $prev in
    --policy | --image | --node | --image-config | --seal) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    --root) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    --format) words='text json' ;;
    --explain)
      words="exit-codes policy $("${COMP_WORDS[0]}" --explain 2> /dev/null |
        sed -n 's/^\([a-z]*\.[a-z-]*\) .*/\1/p')" ;;
    --set)
      words=$("${COMP_WORDS[0]}" --print-policy --format json 2> /dev/null |
        sed -n 's/^ *"key": "\(.*\)",*$/\1=/p')
      compopt -o nospace 2> /dev/null ;;
    *)
      if [[ $cur == -* ]]; then words=$options
      else mapfile -t COMPREPLY < <(compgen -c -- "$cur"); return; fi ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -o filenames -F _gpuinit gpuinit
