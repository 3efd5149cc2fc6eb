// A small prefix of conda: its shell function, and a `conda` that prints what conda 25 prints when
// it is asked to activate (compared with conda itself by hand).
#pragma once

#include <string>

#include "image/real_start.h"

namespace gpuinit::image::real {

// conda/shell/etc/profile.d/conda.sh, in short.
inline std::string conda_sh(const std::string& root) {
  return "export CONDA_EXE='" + root + "/bin/conda'\nexport _CE_M=''\nexport _CE_CONDA=''\n" +
         "export CONDA_PYTHON_EXE='" + root + "/bin/python'\n" + R"sh(
__conda_exe() (
    "$CONDA_EXE" $_CE_M $_CE_CONDA "$@"
)

__conda_hashr() {
    if [ -n "${ZSH_VERSION:+x}" ]; then
        \rehash
    elif [ -n "${POSH_VERSION:+x}" ]; then
        :  # pass
    else
        \hash -r
    fi
}

__conda_activate() {
    if [ -n "${CONDA_PS1_BACKUP:+x}" ]; then
        PS1="$CONDA_PS1_BACKUP"
        \unset CONDA_PS1_BACKUP
    fi
    \local ask_conda
    ask_conda="$(PS1="${PS1:-}" __conda_exe shell.posix "$@")" || \return
    \eval "$ask_conda"
    __conda_hashr
}

conda() {
    \local cmd="${1-__missing__}"
    case "$cmd" in
        activate|deactivate)
            __conda_activate "$@"
            ;;
        *)
            __conda_exe "$@"
            ;;
    esac
}

if [ -z "${CONDA_SHLVL+x}" ]; then
    \export CONDA_SHLVL=0
    if [ -n "${_CE_CONDA:+x}" ] && [ -n "${WINDIR+x}" ]; then
        PATH="$(\dirname "$CONDA_EXE")/condabin${PATH:+":${PATH}"}"
    else
        PATH="$(\dirname "$(\dirname "$CONDA_EXE")")/condabin${PATH:+":${PATH}"}"
    fi
    \export PATH
    if [ -z "${PS1+x}" ]; then
        PS1=
    fi
fi
)sh";
}

// Source: conda, activate.py and utils.py (wrap_subprocess_call).
inline std::string conda_program(const std::string& root) {
  return "#!/bin/bash\nROOT='" + root + "'\n" + R"sh(
prefix_of() {
  case "$1" in
    base | '') echo "$ROOT" ;;
    */*) echo "$1" ;;
    *) echo "$ROOT/envs/$1" ;;
  esac
}
case "$1" in
  shell.posix)
    if [ "$2" = hook ]; then cat "$ROOT/etc/profile.d/conda.sh"; echo 'conda activate base'; exit; fi
    prefix=$(prefix_of "$3")
    if [ ! -d "$prefix/conda-meta" ]; then echo "EnvironmentNameNotFound: $3" >&2; exit 1; fi
    case "$prefix" in "$ROOT") name=base ;; */envs/*) name=${prefix##*/} ;; *) name=$prefix ;; esac
    case "$PATH" in *condabin*) path=$PATH ;; *) path=$ROOT/condabin:$PATH ;; esac
    if [ -n "$CONDA_PREFIX" ]; then
      echo "export PATH='${PATH/$CONDA_PREFIX\/bin/$prefix/bin}'"
      [ "$CONDA_PREFIX" = "$prefix" ] || echo "export CONDA_PREFIX_${CONDA_SHLVL}='$CONDA_PREFIX'"
      for script in "$CONDA_PREFIX"/etc/conda/deactivate.d/*.sh; do
        [ ! -e "$script" ] || echo ". \"$script\""
      done
    else
      echo "export PATH='$prefix/bin:$path'"
    fi
    echo "export CONDA_PREFIX='$prefix'"
    [ "$CONDA_PREFIX" = "$prefix" ] || echo "export CONDA_SHLVL='$((CONDA_SHLVL + 1))'"
    echo "export CONDA_DEFAULT_ENV='$name'"
    echo "export CONDA_PROMPT_MODIFIER='($name) '"
    echo "export CONDA_EXE='$ROOT/bin/conda'"
    echo "export _CONDA_EXE='$ROOT/bin/conda'"
    echo "export CONDA_PYTHON_EXE='$ROOT/bin/python'"
    echo "export _CONDA_ROOT='$ROOT'"
    for script in "$prefix"/etc/conda/activate.d/*.sh; do
      [ ! -e "$script" ] || echo ". \"$script\""
    done
    ;;
  run)
    shift
    name=
    directory=.
    while :; do
      case "$1" in
        -n | --name | -p | --prefix) name=$2; shift 2 ;;
        --cwd) directory=$2; shift 2 ;;
        -*) shift ;;
        *) break ;;
      esac
    done
    export CONDA_ROOT=$ROOT
    cd "$directory" || exit 1
    script=$(mktemp)
    printf 'eval "$("%s" shell.posix hook)"\nconda activate "%s"\n' "$ROOT/bin/conda" \
      "$(prefix_of "$name")" >"$script"
    printf '%q ' "$@" >>"$script"
    unset OLDPWD
    /bin/bash "$script"
    ;;
esac
)sh";
}

inline void make_conda(Stage& stage, const std::string& directory, const std::string& name) {
  const std::string root = stage.expanded("@/" + directory);
  stage.tree.file(directory + "/etc/profile.d/conda.sh", conda_sh(root));
  stage.tree.executable(directory + "/bin/conda", conda_program(root));
  stage.tree.link(directory + "/condabin/conda", "../bin/conda");
  for (const std::string& environment : {std::string(), "/envs/" + name}) {
    stage.tree.file(directory + environment + "/conda-meta/history");
    stage.stub(directory + environment + "/bin/python").stub(directory + environment + "/bin/vllm");
  }
}

}  // namespace gpuinit::image::real
