# Completion of gpuinit's options for fish; after them the command completes as itself.

function __gpuinit_ids
    echo exit-codes
    echo policy
    gpuinit --explain 2>/dev/null | string match -r '^[a-z]+\.[a-z-]+'
end

complete -c gpuinit -l check -d 'Check only; the exit code is the verdict'
complete -c gpuinit -l facts -d 'Print everything that was found, as JSON'
complete -c gpuinit -l explain -x -a '(__gpuinit_ids)' -d 'What a check means, how to fix it'
complete -c gpuinit -l print-policy -d 'The policy in force, each value with its origin'
complete -c gpuinit -l changed -d 'Only what differs from the built-in policy'
complete -c gpuinit -l seal -r -d 'Seal the image for the command, as the last step of its build'
complete -c gpuinit -l no-run -d 'Seal without running the command'
complete -c gpuinit -l image -r -d 'Take the facts of the image from FILE, a seal'
complete -c gpuinit -l supervise -d 'Stay as PID 1: forward signals, reap, drain'
complete -c gpuinit -l policy -r -d 'Instead of /etc/gpuinit/policy.toml'
complete -c gpuinit -l set -x -d 'One policy value, KEY=VALUE'
complete -c gpuinit -l root -x -a '(__fish_complete_directories)' -d 'Judge the image under DIR'
complete -c gpuinit -l node -r -d 'Take the facts of the node from FILE'
complete -c gpuinit -l image-config -r -d 'Environment, command and user as docker inspect says them'
complete -c gpuinit -l format -x -a 'text json' -d 'Form of the report'
complete -c gpuinit -l quiet -d 'Print only failures'
complete -c gpuinit -l verbose -d 'Print also what was skipped or unknown'
complete -c gpuinit -l version -d 'Print version and build'
complete -c gpuinit -s h -l help -d 'Print a summary'
complete -c gpuinit -x -a '(__fish_complete_subcommand)'
