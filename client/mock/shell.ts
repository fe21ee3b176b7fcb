/**
 * A pretended shell: it echoes, knows a few commands, and keeps its output by offset as the real server does.
 * `repair`, `half` and `break` turn the checks; `lots` prints much; `exit` ends it.
 */
export interface Shell {
  readonly output: () => Buffer
  input(data: string, sequence: number, page: string): void
}

export interface ShellEvents {
  output(offset: number, data: Buffer): void
  exit(code: number): void
  repair(state: 'broken' | 'half' | 'whole'): void
}

const prompt = '\x1b[32mlearner@shop\x1b[0m:\x1b[34m~\x1b[0m$ '

const pods = [
  '\x1b[1mNAMESPACE     NAME                       READY   STATUS             RESTARTS      AGE\x1b[0m',
  'kube-system   coredns-668d6bf9bc-4vl7x   0/1     \x1b[31mCrashLoopBackOff\x1b[0m   6 (41s ago)   8m',
  'kube-system   coredns-668d6bf9bc-zq9tm   0/1     \x1b[31mCrashLoopBackOff\x1b[0m   6 (38s ago)   8m',
  'kube-system   kube-proxy-5x2lh           1/1     Running            0             8m',
  'prod          mysql-0                    1/1     Running            0             7m',
  'prod          web-7c9d4b5f6-x2x8p        1/1     Running            0             7m',
]

export function createShell(events: ShellEvents): Shell {
  let all = Buffer.alloc(0)
  let line = ''
  const seen = new Map<string, number>()
  const print = (text: string) => {
    const data = Buffer.from(text)
    const offset = all.length
    all = Buffer.concat([all, data])
    events.output(offset, data)
  }
  const run = (command: string) => {
    if (command.startsWith('kubectl get pods')) print(pods.join('\r\n') + '\r\n')
    else if (command === 'repair') events.repair('whole')
    else if (command === 'half') events.repair('half')
    else if (command === 'break') events.repair('broken')
    else if (command === 'colours')
      print(
        [30, 90].map((from) => [...Array(8).keys()].map((index) => `\x1b[${from + index}mcolour ${index}\x1b[0m`).join(' ')).join('\r\n') +
          '\r\n',
      )
    else if (command === 'link') print('see https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/\r\n')
    else if (command === 'lots') for (let index = 0; index < 3000; index++) print(`line ${index} of many\r\n`)
    else if (command === 'exit') return events.exit(0)
    else if (command !== '') print(`sh: ${command.split(' ')[0]}: not found\r\n`)
    print(prompt)
  }
  setTimeout(() => print(prompt), 5)
  return {
    output: () => all,
    input(data, sequence, page) {
      if (sequence <= (seen.get(page) ?? 0)) return
      seen.set(page, sequence)
      for (const key of data) {
        if (key === '\r') {
          print('\r\n')
          const command = line.trim()
          line = ''
          run(command)
        } else if (key === '\x7f') {
          if (line !== '') print('\b \b')
          line = line.slice(0, -1)
        } else if (key === '\x03') {
          line = ''
          print('^C\r\n' + prompt)
        } else if (key >= ' ') {
          line += key
          print(key)
        }
      }
    },
  }
}
