// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are shell scripts
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { Pipe } from '../../simulator/streams.ts'
import { Host } from '../testing/host.ts'
import { screenOf } from '../testing/screen.ts'
import { shells } from '../testing/shells.ts'
import { filters } from './catalogue.ts'
import { differences } from './diff.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

const pods = `NAME                       READY   STATUS             RESTARTS   AGE
coredns-5d78c9869d-abcde   0/1     CrashLoopBackOff   7          12m
coredns-5d78c9869d-fghij   1/1     Running            0          12m
kube-proxy-x2x4z           1/1     Running            0          3d
web-7c5b4f6d9b-k9l2m       1/1     Running            2          5m
`
const list = JSON.stringify({
  items: [
    { metadata: { name: 'web', labels: { app: 'web', tier: 'front' } }, spec: { replicas: 3 }, status: { ready: true, ip: '10.0.0.7' } },
    { metadata: { name: 'db', labels: { app: 'db' } }, spec: { replicas: 1 }, status: { ready: false } },
    { metadata: { name: 'cache' }, spec: {}, status: null },
  ],
})
const fixtures: Record<string, string> = {
  pods,
  'list.json': list,
  words: 'pear\napple\nfig\napple\nBanana\ncherry\nfig\nfig\n',
  numbers: '10\n9\n2.5\n-3\n100\n1K\n',
  'a.yaml': 'kind: Pod\nmetadata:\n  name: a\nspec:\n  image: nginx:1.25\n  port: 80\n',
  'b.yaml': 'kind: Pod\nmetadata:\n  name: b\nspec:\n  image: nginx:1.26\n  port: 80\n  extra: yes\n',
  passwd: 'root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\nlearner:x:1000:1000:L:/home/learner:/bin/bash\n',
  plain: 'no newline',
}

/** Scripts that these tools and the machine's (GNU, mawk, jq) must answer alike: output and exit code. */
const likeReal: Record<string, readonly string[]> = {
  grep: [
    'grep Running pods; grep -v Running pods; grep -c Running pods; grep -n web pods; grep -in banana words',
    'grep -o "core[a-z]*" pods; grep -E "web|proxy" pods | wc -l; grep -F "1/1" pods | wc -l; grep -w Run pods; echo $?; grep -q web pods; echo $?',
    'grep -A1 -n coredns-.*abc pods; grep -B1 web pods; grep -C1 fig words; grep -l apple words pods; grep -L apple words pods; grep -h app words passwd',
    'grep -e pear -e fig words; grep nothere words; echo $?; grep x nofile 2>/dev/null; echo $?; grep -m1 fig words; grep -x fig words | wc -l',
    'grep "a\\{1,\\}p\\+" words; grep -E "^[[:upper:]]" words; grep -E "(an){2}" words; grep "[.]5" numbers; grep "^$" words; echo $?; grep -r apple . | sort; grep --color=always fig words | head -1',
    'grep -on "fig" words; grep -c "" plain; grep -E "a{2,}|x+" words; echo $?; echo "a.b" | grep "a\\.b"; echo "tab	x" | grep -P "\\tx"',
  ],
  sed: [
    "sed 's/apple/APPLE/' words; sed -n '2p' words; sed -n '2,4p' words; sed '1d;$d' words; sed -n '/fig/=' words",
    "sed 's/\\(p\\)\\(e\\)/\\2\\1/g' words; sed -E 's/(a)(p+)/[\\1|\\2]/' words; sed 's|/bin/bash|/bin/sh|;s/x/&&/' passwd",
    "sed '/apple/,/cherry/d' words; sed '2q' words; sed -n '$p' words; sed 's/fig/&s/2' words; sed '/^k/!d' a.yaml; sed -n '1~2p' words; sed '2,+1d' words",
    "sed '/name:/a\\  added: x' a.yaml; sed '1i first' words; sed '2c changed' words; sed 'y/abc/xyz/' words; sed -e 's/a/1/' -e 's/b/2/' words",
    "cp a.yaml t; sed -i 's/1.25/1.27/' t; cat t; sed -i.bak 's/80/81/' t; cat t.bak | tail -1; sed 's/.*/\\U&/' words | head -2; sed 's/\\w\\+/<&>/' words | head -2",
    "sed ':a;N;$!ba;s/\\n/,/g' words; sed -n 'h;n;G;p' words; sed 's/[aeiou]//gI' words; sed 's/$/;/' plain; sed --expression='s/n/N/' plain; sed '/a/{s/a/A/;s/p/P/}' words; sed -n '/image/s/.*: *//p' a.yaml",
  ],
  awk: [
    "awk '{print $1}' pods; awk 'NR>1{print $1,$3}' pods; awk -F: '{print $1 \"=\" $NF}' passwd; awk 'NR==2' pods; awk '/Running/{n++} END{print n}' pods",
    "awk '$4>0{print $1,$4}' pods; awk 'NR>1{s+=$4} END{print s, s/NR}' pods; awk '{a[$1]++} END{for(k in a) print k, a[k]}' words | sort; awk 'BEGIN{printf \"%-5s|%05.2f|%d\\n\",\"ab\",3.14159,42.9}'",
    'awk -v x=5 \'BEGIN{print x*2, x "a", length("hello"), substr("hello",2,3), index("hello","l"), toupper("ab")}\'; awk \'BEGIN{n=split("a:b:c",p,":"); print n,p[1],p[3]; s="aaa"; print gsub(/a/,"b",s), s; sub(/b/,"[&]",s); print s}\'',
    "awk 'BEGIN{for(i=1;i<=3;i++){if(i==2)continue; print i}; while(j<2)print j++; do k++; while(k<5); print k}'; awk 'function f(x){return x*2} BEGIN{print f(4)}'; awk '{$2=\"X\"; print}' OFS=- passwd; awk -F: '{$3=\"\"; print NF; print}' passwd",
    "awk 'NR%2' words; awk 'length>4' words; awk '!seen[$0]++' words; awk '/pear/,/fig/' words; awk 'END{print NR, $0}' words; awk '{print NR\": \"$0}' words; awk 'BEGIN{print 1e6, 0.1+0.2, 100000000, 3/2, -5%3, 2^10}'",
    'awk \'BEGIN{print match("foobar",/o+/), RSTART, RLENGTH; print (1<2)?"y":"n"; print 1==1.0, "a"<"b", "10"<"9", 10<9; x[1,2]=3; for(k in x){split(k,q,SUBSEP); print q[1],q[2]}; if(!((1,3) in x)) print "no"; delete x; print length(x)}\'',
    "awk '{print > \"out.txt\"} END{close(\"out.txt\"); while((getline l < \"out.txt\")>0) n++; print n}' words; awk 'NR==1{next} {print $1; exit 3}' pods; echo $?; echo '1 2' | awk '{print $1+$2; print $1$2; print -$1; print !$1}'; awk '$1 ~ /^core/ && $3 != \"Running\" {print $1}' pods",
  ],
  columns: [
    'cut -d: -f1,3 passwd; cut -c1-4 words; cut -d: -f2- passwd; cut -d, -f1 words | head -1; cut -c2 plain',
    'tr a-z A-Z < words; tr -d aeiou < words; tr -s p < words; echo "a  b" | tr -s " " "\\n"; tr "[:upper:]" "[:lower:]" < words; echo abc | tr -c "b\\n" "x"',
    'sort words; sort -u words; sort -r words; sort -n numbers; sort -h numbers; sort -t: -k3 -n -r passwd; sort -k3,3 -k1,1r pods; sort -f words; sort -k2n -k1 pods',
    'sort words | uniq -c; sort words | uniq -d; sort words | uniq -u; uniq words; paste -d, words numbers | head -3; paste -s -d+ numbers; rev words; tac words; nl words',
  ],
  flow: [
    'head -2 words; head -n -6 words; head -c 5 words; tail -2 words; tail -n +7 words; tail -c 4 words; cat -n words; cat -A plain; head -1 words numbers',
    'wc words; wc -l words numbers; wc -w < words; wc -c plain; seq 3; seq 2 4; seq 1 2 7; seq -s, 3; seq -w 8 10; seq 3 -1 1; seq 0.5 0.5 2',
    'echo a b c | xargs -n1 echo; seq 3 | xargs; echo "x y" | xargs -I{} echo "[{}]"; printf "a\\0b" | xargs -0 echo; echo -n | xargs -r echo no; ls *.yaml | xargs -n1 basename',
    'base64 < words | base64 -d; echo -n hello | base64; basename /a/b.txt .txt; dirname /a/b/c x; echo a | tee x y; cat x y; printf "%s-%s\\n" a b c; env -i A=1 env; timeout 5 echo in; timeout 0.1 sleep 5; echo $?',
  ],
  files: [
    'mkdir -p d/e; touch d/f d/e/g; ls d; ls -a d; ls -d d; ls -1 d/e; cp -r d h; ls h; mv h/f h/i; ls h; rm -r h; ls h 2>/dev/null; echo $?; cp plain plain2; cat plain2; rm nofile 2>/dev/null; echo $?; rm -f nofile; echo $?',
    'mkdir -p d/e; touch d/x.yaml d/e/y.yaml d/z.txt; find d -name "*.yaml" | sort; find d -type d | sort; find d -maxdepth 1 -type f | sort; find d ! -name "*.txt" -type f | sort; find d -name x.yaml -exec echo found {} \\;; test -d d/e; echo $?; [ -s plain ]; echo $?',
    'cp a.yaml d1 && diff a.yaml d1; echo $?; diff a.yaml b.yaml; echo $?; diff -u --label l --label r a.yaml b.yaml; diff -q a.yaml b.yaml; diff words numbers; diff plain words | tail -3; diff -w a.yaml a.yaml',
    'chmod 600 plain; stat -c %a plain; chmod +x plain; stat -c %A plain; chmod u-w,go=r plain; stat -c %a plain; realpath -m ./x/../y | xargs basename',
  ],
  jq: [
    "jq . list.json; jq -c .items[0] list.json; jq -r '.items[].metadata.name' list.json; jq '.items | length' list.json; jq '.items[1:] | map(.metadata.name)' list.json",
    "jq -c '.items[] | select(.spec.replicas > 1) | {name: .metadata.name, app: .metadata.labels.app}' list.json; jq -r '.items[] | \"\\(.metadata.name): \\(.spec.replicas // 0)\"' list.json; jq '[.items[].spec.replicas] | add' list.json",
    "jq -c '.items[0].metadata.labels | to_entries, keys, with_entries(.value |= ascii_upcase)' list.json; jq -c '.items | sort_by(.metadata.name) | map(.metadata.name)' list.json; jq -c 'group_by(.a)' <<< '[{\"a\":2},{\"a\":1},{\"a\":2}]'",
    'jq -n -c \'[range(3)], [1,2,3] == [1,2,3], (1,2)*10, ("a"*3), {a:1}+{b:2}, [3,1,2]-[1], 7%3, 1/4, null+1, "a,b"/","\'; jq -n -c \'[1,[2,[3]]] | flatten, first, last, reverse, (.[1]|length)\'',
    "jq -r '.items[] | [.metadata.name, .spec.replicas] | @tsv' list.json; jq -r '.items[] | [.metadata.name, .spec.replicas] | @csv' list.json; jq -n -r '\"hi\" | @base64, (@base64|@base64d), @json'; jq -n --arg x y --argjson n 3 -c '{x:$x,n:$n}'",
    "jq -c '.items[0] | .spec.replicas = 5 | .metadata.labels.new = \"v\" | del(.status)' list.json; jq -c '.items |= map(.metadata.name)' list.json; jq -c '[.items[].spec.replicas | values] | max, min, (map(.+1))' list.json; jq -c '.items[0].spec.replicas += 2 | .items[0].spec' list.json",
    "jq -c '[.. | strings]' list.json; jq -c '[paths(type == \"number\")]' list.json; jq '.items[] | has(\"spec\")' list.json; jq -e '.nothing' list.json; echo $?; jq '.items[0].metadata.name.x' list.json 2>/dev/null; echo $?; jq '.a[' list.json 2>/dev/null; echo $?",
    'jq -n -c \'if 1 > 2 then "a" elif null then "b" else "c" end, (try error("x") catch .), ([.[]?]), (reduce range(5) as $i (0; .+$i)), ([limit(2; range(9))]), ("foo bar" | test("o b"), split(" "), sub("o"; "0"), gsub("o";"0"), [match("o";"g").offset])\'',
    "jq -n -c '[1,2,null,3] | map(select(. != null)), any, all, index(2), (map(tostring)|join(\"-\")), contains([1]), unique, (.[1:3])'; jq -s -c . numbers 2>/dev/null | head -1; echo '1 2 {\"a\":3}' | jq -c .; echo '[3,1]' | jq -c 'sort, min, (.[0] as $x | $x + 1), ([.[] | . * 2])'",
    'jq -n -c \'def f(x): x * 2; def g: . + 1; f(3), (4|g), ([1,2] as [$a,$b] | $a+$b), ({a:1} as {a:$v} | $v), ({"a b":1}."a b"), ([[1,2],[3,4]] | transpose), ("abc" | ltrimstr("a"), .[1:], length, ascii_upcase, explode), ({} | .a.b.c = 1), ([1,2,3] | IN(2))\' 2>/dev/null | head -12',
    'jq -n -c \'{("a"+"b"): 1, "c": [1,{}]}, ({a:[1,2]} | .a[]|= .+1), ([{a:1},{a:2}] | map(.a) | add), ({a:null} | .a // "d"), ([1,2]|tojson), ("[1]"|fromjson), ("12"|tonumber), (1|tostring), ([]|add), ({} | length), ("x" as $x | [$x,$x])\'; jq -S -c . <<< \'{"b":1,"a":2}\'; jq --tab . <<< \'{"a":[1]}\'',
  ],
}

const available = (name: string) => spawnSync('bash', ['-c', `command -v ${name}`]).status === 0
const directory = mkdtempSync(join(tmpdir(), 'filters-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function real(script: string): { stdout: string; status: number } {
  const cwd = mkdtempSync(join(directory, 'case-'))
  for (const [name, text] of Object.entries(fixtures)) writeFileSync(join(cwd, name), text)
  const done = spawnSync('bash', ['-c', script], {
    cwd,
    input: '',
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: cwd, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
  })
  return { stdout: done.stdout, status: done.status ?? 128 }
}

const machine = () =>
  new Host({
    commands: { ...filters, ...shells },
    turn,
    cwd: '/home/learner/case',
    files: Object.fromEntries(Object.entries(fixtures).map(([name, text]) => [`/home/learner/case/${name}`, text])),
  })

for (const [subject, scripts] of Object.entries(likeReal)) {
  const tool = ['grep', 'sed', 'awk', 'jq'].includes(subject) ? subject : 'bash'
  const there = available(tool)
  if (!there) console.warn(`filters.test.ts: no ${tool} on this machine, its comparison is skipped`)
  describe.skipIf(!there)(`answers as the real tools do: ${subject}`, () => {
    test.each(scripts)('%s', async (script) => {
      const result = await machine().run(['bash', '-c', script])
      expect({ stdout: result.stdout, status: result.status }, result.stderr).toEqual(real(script))
    })
  })
}

describe('streaming', () => {
  /** Starts a pipeline fed by hand and tells what has come out after each line. */
  async function feed(script: string, lines: readonly string[]) {
    const host = machine()
    const input = new Pipe()
    let output = ''
    const decoder = new TextDecoder()
    const child = host.start(['bash', '-c', script], {
      stdin: input,
      stdout: { write: async (data) => void (output += typeof data === 'string' ? data : decoder.decode(data)) },
      stderr: { write: async () => {} },
    })
    const seen: string[] = []
    for (const line of lines) {
      await input.write(`${line}\n`)
      for (let n = 0; n < 5; n++) await turn()
      seen.push(output)
    }
    input.end()
    await host.until(child.exit)
    return { seen, output, status: await child.exit }
  }

  test.each([
    'grep x',
    "sed 's/a/b/'",
    "awk '{print $1}'",
    'cat -n',
    'tr a-z A-Z',
    'cut -c1-3',
    'tee f',
    'cat | grep x | cat',
    'while read l; do echo "got $l"; done',
  ])('%s answers each line when it comes', async (script) => {
    const { seen } = await feed(script, ['xa 1', 'xa 2', 'xa 3'])
    expect(seen.map((text) => text.split('\n').length - 1)).toEqual([1, 2, 3])
  })

  test('a reader that leaves ends the writer, and a pipe holds an endless writer back', async () => {
    const { output, status } = await feed('set -o pipefail; yes | head -3', [])
    expect({ output, status }).toEqual({ output: 'y\ny\ny\n', status: 141 })
  })

  test('tail -f shows what is appended, and a signal ends it', async () => {
    const host = machine()
    host.files.write('/home/learner/case/log', 'one\n')
    let output = ''
    const child = host.start(['tail', '-f', 'log'], {
      stdout: { write: async (data) => void (output += typeof data === 'string' ? data : new TextDecoder().decode(data)) },
    })
    await host.time.pass(10, turn)
    host.files.append('/home/learner/case/log', 'two\n')
    await host.time.pass(1500, turn)
    expect(output).toBe('one\ntwo\n')
    child.kill('SIGINT')
    expect(await child.exit).toBe(130)
  })
})

describe('on a terminal', () => {
  test('watch draws its title and redraws by the clock', async () => {
    const host = machine()
    const screen = screenOf(60, 6)
    const child = host.start(['watch', '-n', '1', 'date +%S'], { terminal: screen.terminal })
    await screen.settle(host, 20)
    expect(screen.lines()[0]).toBe('Every 1.0s: date +%S   workstation: Wed Jan 15 10:30:00 2025')
    expect(screen.lines()[2]).toBe('00')
    await screen.settle(host, 2000)
    expect(screen.lines()[2]).toBe('02')
    child.kill('SIGINT')
    expect(await child.exit).toBe(130)
    await screen.settle(host, 1)
    expect(screen.text()).toBe('')
  })

  test('less pages, searches and leaves the screen as it was', async () => {
    const host = machine()
    const screen = screenOf(40, 5)
    const child = host.start(['less', 'words'], { terminal: screen.terminal })
    await screen.settle(host, 1)
    expect(screen.lines().slice(0, 4)).toEqual(['pear', 'apple', 'fig', 'apple'])
    await screen.type(host, ' ')
    expect(screen.lines()).toEqual(['Banana', 'cherry', 'fig', 'fig', '(END)'])
    await screen.type(host, 'g/cherry\r')
    expect(screen.lines()).toContain('cherry')
    await screen.type(host, 'q')
    expect(await child.exit).toBe(0)
  })

  test('grep and ls colour only where they are asked to and where it is a terminal', async () => {
    expect((await machine().run(['grep', '--color=auto', 'fig', 'words'])).stdout).not.toContain('\x1b')
  })
})

describe('refusals', () => {
  test.each([
    [['ln', '-s', 'a', 'b'], 'ln: links are not supported by this file system; copy with cp instead\n', 1],
    [['head', '-n', 'x'], "head: invalid number of lines: 'x'\n", 1],
    [['cat', 'nope'], 'cat: nope: No such file or directory\n', 1],
    [['grep', '[', 'words'], 'grep: Unmatched [, [^, [:, [., or [=\n', 2],
    [['sed', 'k', 'words'], "sed: -e expression #1, char 1: unknown command: `k'\n", 1],
    [['awk', 'BEGIN{system("x")}'], 'awk: system() is not supported by this awk; run the command from the shell\n', 2],
    [['jq', 'nosuch', 'list.json'], 'jq: error: nosuch/0 is not defined at <top-level>\n', 3],
    [['sort', '--frob'], "sort: unrecognized option '--frob'\n", 2],
  ] as const)('%j', async (argv, stderr, status) => {
    expect(await machine().run(argv)).toEqual({ stdout: '', stderr, status })
  })
})

test('an edit script turns the old lines into the new ones', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 })
  fc.assert(
    fc.property(lines, lines, (a, b) => {
      const result: string[] = []
      let at = 0
      for (const { aFrom, aTo, bFrom, bTo } of differences(a, b)) {
        result.push(...a.slice(at, aFrom), ...b.slice(bFrom, bTo))
        at = aTo
      }
      expect([...result, ...a.slice(at)]).toEqual(b)
    }),
  )
})
