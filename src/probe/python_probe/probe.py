# Run inside the user's interpreter: says where its modules come from, imports what it is
# told to, and answers on descriptor 3, one JSON document a line (src/probe/python/python_answer_reader.h).
#
#   python [its options] -B -c THIS MODE RUNS PROGRAM [NAME …]
#
# MODE: environment | import. RUNS and PROGRAM: what the command runs (script, module,
# command, interactive, nothing), which decides on sys.path[0].
#
# CPython 3.8 to 3.14. What is imported here is what every start of Python imports: a
# module that the user's files shadow must fail where the user's own import of it would.
import os
import sys
import time


def main(embedded):
    mode, runs, program = sys.argv[1:4]
    names = sys.argv[4:]
    pid = os.getpid()

    # The pipe goes out of the way of code that closes or uses low numbers.
    pipe = os.dup2(3, 200, False)
    os.close(3)

    def quoted(text, limit):
        text = str.encode(text[:limit], 'utf-8', 'backslashreplace').decode()
        out = []
        for c in text:
            if c in '"\\':
                out.append('\\' + c)
            elif c < ' ' or c == '\x7f':
                out.append('\\u%04x' % ord(c))
            else:
                out.append(c)
        return '"' + ''.join(out) + '"'

    def json(value):
        if value is None:
            return 'null'
        if value is True or value is False:
            return 'true' if value else 'false'
        if isinstance(value, (int, float)):
            return '%d' % value if isinstance(value, int) else '%.3f' % value
        if isinstance(value, dict):
            return '{' + ', '.join(quoted(k, 80) + ': ' + json(v) for k, v in value.items()) + '}'
        if isinstance(value, (list, tuple)):
            return '[' + ', '.join(json(v) for v in value[:2000]) + ']'
        return quoted(value, 8192)

    def say(**what):
        # A module that forks while it is imported comes back twice.
        if os.getpid() != pid:
            os._exit(0)
        data = (json(what) + '\n').encode()
        while data:
            data = data[os.write(pipe, data):]

    # What Python puts before everything else: pymain_run_python in CPython's main.c.
    def first_entry():
        safe = sys.flags.isolated or getattr(sys.flags, 'safe_path', False)
        if not embedded and not safe and sys.path[:1] == ['']:
            del sys.path[0]  # from our own -c
        if runs == 'script':
            for hook in sys.path_hooks:
                try:
                    hook(program)
                except ImportError:
                    continue
                # A directory or a zip file, whatever the options say; 3.8 keeps it relative.
                return os.path.join(os.getcwd(), program) if sys.version_info >= (3, 9) else program
        if safe or runs == 'nothing':
            return None
        if runs == 'script':
            return os.path.dirname(os.path.realpath(program))
        return os.getcwd() if runs == 'module' else ''

    def find_torch():
        for finder in sys.meta_path:
            find_spec = getattr(finder, 'find_spec', None)
            spec = find_spec('torch', None) if find_spec else None
            if spec is not None:
                return spec
        return None

    def text(value):
        return None if value is None else str(value)

    # The file and line of each call; the text of the lines where it can be had.
    def traceback_of(error):
        error.__traceback__ = error.__traceback__.tb_next  # without our own frame
        try:
            import traceback
            lines = ''.join(traceback.format_exception(type(error), error, error.__traceback__))
            lines = lines.rstrip('\n').split('\n')
        except BaseException:
            lines = []
            at = error.__traceback__
            while at is not None:
                code = at.tb_frame.f_code
                lines.append('  File "%s", line %d, in %s' %
                             (code.co_filename, at.tb_lineno, code.co_name))
                at = at.tb_next
        return '\n'.join(lines[-30:])[-8192:]

    def attempt(name):
        say(step='import ' + name)
        start = time.monotonic()
        result = {'name': name}
        try:
            __import__(name)
            module = sys.modules[name]
        except BaseException as error:
            kind = type(error)
            result['error'] = kind.__name__
            try:
                result['message'] = str(error)
            except BaseException:
                result['message'] = ''
            result['traceback'] = traceback_of(error)
            module = None
        result['milliseconds'] = (time.monotonic() - start) * 1000
        if module is not None:
            for key, attribute in (('version', '__version__'), ('file', '__file__')):
                try:
                    result[key] = text(getattr(module, attribute, None))
                except BaseException:
                    result[key] = None
        say(**{'import': result})
        return module

    def describe_torch(torch):
        facts = {}

        def add(key, read):
            say(step='torch: ' + key)
            try:
                facts[key] = read()
            except BaseException as error:
                facts['no ' + key] = '%s: %s' % (type(error).__name__, error)

        def arch_list():
            # torch.cuda.get_arch_list() is empty where there is no GPU; this is what it reads.
            flags = getattr(torch._C, '_cuda_getArchFlags', None)
            flags = flags() if flags is not None else None
            return None if flags is None else flags.split()

        add('version', lambda: text(torch.__version__))
        add('file', lambda: text(torch.__file__))
        add('cuda', lambda: text(torch.version.cuda))
        add('hip', lambda: text(getattr(torch.version, 'hip', None)))
        add('arch_list', arch_list)
        add('cudnn', lambda: text(torch.backends.cudnn.version()))
        add('config', lambda: text(torch.__config__.show()))
        say(torch=facts)

    import _imp
    first = first_entry()
    if first is not None:
        sys.path.insert(0, first)
    info = sys.version_info
    version = '%d.%d.%d' % info[:3]
    if info[3] != 'final':
        version += {'alpha': 'a', 'beta': 'b'}.get(info[3], 'rc') + str(info[4])
    # What the import system itself looks for; sysconfig only repeats a file's word for it.
    suffix = _imp.extension_suffixes()[0]
    flags = [n for n in ('isolated', 'ignore_environment', 'no_user_site', 'no_site', 'safe_path')
             if getattr(sys.flags, n, False)]
    say(python={
        'version': version,
        'hexversion': sys.hexversion,
        'soabi': suffix[1:-3] if suffix.endswith('.so') and suffix != '.so' else None,
        'executable': sys.executable,
        'prefix': sys.prefix,
        'base_prefix': sys.base_prefix,
        'exec_prefix': sys.exec_prefix,
        'path': [p for p in sys.path if isinstance(p, str)],
        'flags': flags,
    })

    say(step='find torch')
    found = None
    try:
        found = find_torch()
        where = None
        if found is not None:
            where = found.origin
            if where in (None, 'namespace'):
                where = list(found.submodule_search_locations or [None])[0]
        say(torch_origin=text(where))
    except BaseException as error:
        say(no_torch_origin='%s: %s' % (type(error).__name__, error))

    if mode == 'import':
        torch = attempt('torch') if found is not None else None
        if torch is not None:
            describe_torch(torch)
        for name in names:
            if name != 'torch' or found is None:
                attempt(name)
    say(end=True)
    # Nothing that Python does at its end matters here, and threads could keep it from ending.
    os._exit(0)


main(globals().get('embedded', False))
