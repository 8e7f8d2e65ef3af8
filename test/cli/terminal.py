"""Runs a command in a terminal of 80 by 24: reads JSON {command, cwd, env, columns?, steps: [[await, send]]},
and writes JSON {code, output, restored}. `restored` = the terminal is as it was before."""
import fcntl, json, os, pty, select, struct, sys, termios

task = json.load(sys.stdin)
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, task.get('columns', 80), 0, 0))
before = termios.tcgetattr(slave)
child = os.fork()
if child == 0:
    os.close(master)
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for stream in (0, 1, 2):
        os.dup2(slave, stream)
    os.chdir(task['cwd'])
    os.execvpe(task['command'][0], task['command'], task['env'])

steps, output, seen = task['steps'], b'', 0
os.set_blocking(master, False)
status = None
while True:
    readable, _, _ = select.select([master], [], [], 0.05)
    if readable:
        try:
            output += os.read(master, 65536)
        except OSError:
            pass
        if steps and steps[0][0].encode() in output[seen:]:
            seen = len(output)
            os.write(master, steps.pop(0)[1].encode())
    elif status is not None:
        break
    if status is None:
        pid, ended = os.waitpid(child, os.WNOHANG)
        if pid:
            status = ended
json.dump({
    'code': os.waitstatus_to_exitcode(status),
    'output': output.decode('utf8', 'replace'),
    'restored': termios.tcgetattr(slave)[:4] == before[:4] and b'\x1b[?25l' not in output[output.rfind(b'\x1b[?25h') + 1:],
}, sys.stdout)
