// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are shell scripts
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { filters } from '../filters/catalogue.ts'
import { Host } from '../testing/host.ts'
import { shells } from '../testing/shells.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const host = () => new Host({ commands: { ...filters, ...shells }, turn })

/** Scripts that this shell and the machine's bash must answer alike: output, and exit code. */
const likeBash: Record<string, readonly string[]> = {
  quoting: [
    `echo 'a  b' "c  d" e\\ f g"h"i'j' ""`,
    `x='a b'; echo $x "$x" '$x' \\$x`,
    `echo "a\\"b\\$c\\\\d\\e" 'it'"'"'s'`,
    `echo $'tab\\there' $'\\x41\\101'`,
    'echo "$(echo "nested $(echo "deep  quote")")"',
    'echo `echo back \\`echo ticks\\``',
    'printf "[%s]" "" a "b c"; echo',
    'echo a#b #comment',
    'echo "multi\nline" | wc -l',
    'echo a\\\nb',
  ],
  parameters: [
    'unset x; echo "${x:-d}" "${x-e}" "${x:=f}" "$x" "${x:+g}" "${y:+h}"',
    'x=; echo "${x:-d}|${x-e}|${x+set}"',
    'f=/a/b/c.tar.gz; echo ${f#*/} ${f##*/} ${f%.*} ${f%%.*} ${#f}',
    'f=hello; echo ${f:1:3} ${f: -3} ${f:2} ${f/l/L} ${f//l/L} ${f/#he/HE} ${f/%lo/LO}',
    'f=hello; echo ${f^} ${f^^}; F=WORLD; echo ${F,} ${F,,}',
    'set -- a "b c" d; echo $# "$1" "$2"; for i in "$@"; do echo "<$i>"; done; echo "$*"',
    'set -- a b c; shift; echo $@; IFS=-; echo "$*"',
    'set --; echo "[$@]" $# "x$@y"',
    'set -- 1 2 3; echo "pre$@post"',
    'a=x; b=a; echo ${!b}',
    'set -- a b c d; echo ${@:2:2}',
    'x="a:b::c"; IFS=:; for p in $x; do echo "[$p]"; done',
    'x="  lead  trail  "; echo $x; echo "$x"; for w in $x; do echo "[$w]"; done',
    'IFS=,; x="a, b ,c"; for w in $x; do echo "[$w]"; done',
    `x='*'; echo "$x" \${x#'*'}`,
    'echo "${undefined:-a b}" ${undefined:-a b} "${undefined:-"q r"}"',
    `echo \${x:-'a  b'} "\${x:-'a'}"`,
    'echo ${x?missing} 2>/dev/null; echo no',
    'a=(one two "three four"); echo ${a[1]} "${a[@]}" ${#a[@]} "${a[-1]}"; a+=(five); echo ${#a[@]} ${!a[@]}',
    'a=(1 2 3); for i in "${a[@]}"; do echo $i; done; unset "a[1]"; echo "${a[@]}"',
    'declare -A m; m[k]=v; m[x]=y; echo ${m[k]} ${#m[@]}',
  ],
  arithmetic: [
    'echo $((1+2*3)) $(( (1+2)*3 )) $((7/2)) $((-7/2)) $((7%3)) $((2**10))',
    'x=5; echo $((x++)) $x $((++x)) $((x+=3)) $x $((x>3?1:0)) $((x==10&&1||0))',
    'echo $((0x1f)) $((010)) $((2#101)) $((1<<4)) $((~0)) $((5&3)) $((5|3)) $((5^3)) $((!0))',
    'i=0; while ((i<3)); do echo $i; ((i++)); done',
    'for ((i=0;i<3;i++)); do echo -n $i; done; echo',
    'let x=3+4; echo $x; ((0)); echo $?; ((1)); echo $?',
    'a=3; b=a; echo $((b*2))',
    'echo $((1,2)) $((9223372036854775807+1))',
  ],
  control: [
    'if true; then echo y; else echo n; fi; if false; then echo y; elif true; then echo e; fi',
    'for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done',
    'for i in 1 2 3; do for j in a b; do [ $j = b ] && continue 2; echo $i$j; done; done',
    'i=0; until [ $i -ge 3 ]; do i=$((i+1)); [ $i = 2 ] && break; done; echo $i',
    'case abc in a*) echo 1;; b*) echo 2;; esac; case x in a|x) echo ax;; esac; case y in (y) echo p;; esac',
    'case a in a) echo 1;& b) echo 2;; c) echo 3;; esac',
    'f() { echo "in $1 $#"; return 3; }; f a b; echo $?',
    'f() { local x=1; x=2; echo $x; }; x=0; f; echo $x',
    'f() { if [ $1 -gt 0 ]; then f $(($1-1)); fi; echo $1; }; f 2',
    'function g { echo g; }; g; ! true; echo $?; ! false; echo $?',
    '(x=1; exit 4); echo $? $x; { x=2; }; echo $x',
    'true && echo a || echo b; false && echo a || echo b; false || true; echo $?',
    'while read a b; do echo "$b-$a"; done <<EOF\n1 2\n3 4 5\nEOF',
    'x=1; while read l; do x=$l; done < <(echo) 2>/dev/null || true; echo done'.replace(' < <(echo)', ' </dev/null'),
    'if [[ abc == a* && ! -e /nope ]]; then echo m; fi; [[ foo =~ ^f(o+)$ ]] && echo ${BASH_REMATCH[1]}',
    '[[ a < b ]]; echo $?; [[ -z "" ]]; echo $?; [[ 3 -gt 2 || x == y ]]; echo $?; x="a b"; [[ $x == "a b" ]]; echo $?',
    'exit 7',
    'echo {a,b}{1,2} {1..4} {a..e..2} {01..03} x{,y} {a,b',
  ],
  redirections: [
    'echo hi > f; cat f; echo more >> f; cat < f; cat f f | wc -l',
    'cat <<EOF\na $((1+1)) $(echo b)\n\\$x\nEOF\ncat <<"E"\n$x\nE',
    'cat <<-EOF\n\ttabbed\n\t\tmore\n\tEOF',
    'cat <<< "here $((2*2))"',
    '{ echo out; echo err >&2; } 2>/dev/null; { echo out; echo err >&2; } 2>&1 | sort',
    'ls /nope 2>&1 >/dev/null | wc -l; echo x &> g; cat g; exec 3> h; echo three >&3; exec 3>&-; cat h',
    'echo a > f; for i in 1 2; do echo $i; done >> f; cat f; while read x; do echo "<$x>"; done < f',
    'x=$(echo a; echo b >&2) 2>/dev/null; echo $x',
    'read a b <<< "1 2 3"; echo "$b"; IFS=: read -r u p <<< "root:x:0"; echo $u $p; echo "a\\b" | { read -r l; echo $l; }',
    'cat << A; cat << B\none\nA\ntwo\nB',
    'echo out | tee t1 > /dev/null; cat t1; set -C; echo 1 > t1; echo $?',
  ],
  pipelines: [
    'yes | head -2',
    'echo a | cat | cat | tr a b',
    'false | true; echo $?; set -o pipefail; false | true; echo $?; true | false | true; echo ${PIPESTATUS[0]}',
    'echo x | read y; echo "[$y]"; seq 5 | while read n; do echo $((n*n)); done | tail -2',
    'seq 1 1000 | grep 7 | wc -l; seq 10 | sort -rn | head -3',
    'sleep 0 & wait; echo $?; (exit 3) & wait $!; echo $?',
    '{ sleep 0.1; echo late; } & echo early; wait',
    'time true 2>/dev/null; echo ok'.replace('time ', ''),
  ],
  options: [
    'set -e; false; echo no',
    'set -e; false || true; if false; then :; fi; ! true; echo yes; (exit 3); echo no',
    'set -e; f() { false; echo in; }; f || echo or; f; echo no',
    'set -e; x=$(false); echo no',
    'set -u; echo ${x:-ok}; echo $x; echo no',
    'set -x; echo a "b c" 2>/dev/null',
    'set -f; echo *; set +f; set -- -a b; echo $1 $-| tr -d hBc',
    'set -eo pipefail; false | true; echo no',
  ],
  builtins: [
    'printf "%s %d %5.2f|%-5s|%05d|%x\\n" a 3 2.5 ab 42 255; printf "%s\\n" a b c; printf "%b" "x\\ty\\n"; printf "%%\\n"',
    'echo -n a; echo -e "b\\tc"; echo -E "d\\te"',
    'test 1 -lt 2 -a x = x; echo $?; [ ! -f /nope ]; echo $?; [ "" ]; echo $?; [ -n "a" ]; echo $?; [ a = a -o b = c ]; echo $?',
    'export A=1; sh -c "echo $A \\$A"; B=2 sh -c "echo \\$B"; echo "[$B]"',
    'eval "x=1; echo \\$x"; command echo hi; type true | head -1; unset x; echo "[$x]"',
    'trap "echo bye" EXIT; echo hi',
    '(trap "echo sub" EXIT; exit 2); echo $?',
    'while getopts "ab:" o -a -b val rest; do echo "$o $OPTARG"; done; echo $OPTIND',
    'cd /tmp; pwd; cd - > /dev/null; cd /; echo $PWD $OLDPWD | wc -w',
    'x=5; readonly x; (x=6) 2>/dev/null; echo $? $x',
    'echo "echo sourced \\$1; y=9" > s.sh; . ./s.sh arg; echo $y',
    'shift 2>/dev/null; echo $?; set -- a; shift; echo $#',
    'alias foo="echo x"; foo 2>/dev/null; echo $?',
    'f() { echo "$FUNCNAME" > /dev/null; return; }; false; f; echo $?',
    'x=abc; unset -f x; echo $x; type nosuch 2>/dev/null; echo $?',
    'echo "3 + 4" | { read a op b; echo $((a $op b)); }',
  ],
  failures: [
    'nosuchcommand 2>/dev/null; echo $?',
    './nope 2>/dev/null; echo $?',
    'cd /nope 2>/dev/null; echo $?',
    '/tmp 2>/dev/null; echo $?',
  ],
  globbing: [
    'mkdir d; touch d/a.txt d/b.txt d/.hid d/c; echo d/*.txt d/? d/[ab]* d/.h* d/nomatch*; cd d; echo *; for f in *.txt; do echo "${f%.txt}"; done',
    'mkdir -p p/q; touch p/q/x p/y; echo p/*/x p/*; echo "p/*" p/\\*',
  ],
}

const bash = spawnSync('bash', ['--version']).status === 0
const directory = bash ? mkdtempSync(join(tmpdir(), 'shell-')) : ''
afterAll(() => {
  if (directory) rmSync(directory, { recursive: true, force: true })
})

function realBash(script: string): { stdout: string; status: number } {
  const cwd = mkdtempSync(join(directory, 'case-'))
  const done = spawnSync('bash', ['-c', script], {
    cwd,
    input: '',
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: cwd, LC_ALL: 'C.UTF-8' },
  })
  return { stdout: done.stdout, status: done.status ?? 128 }
}

if (!bash) console.warn('shell.test.ts: no bash on this machine, its comparison is skipped')

for (const [subject, scripts] of Object.entries(likeBash)) {
  describe.skipIf(!bash)(`answers as bash does: ${subject}`, () => {
    test.each(scripts)('%s', async (script) => {
      const result = await host().run(['bash', '-c', script])
      expect({ stdout: result.stdout, status: result.status }, result.stderr).toEqual(realBash(script))
    })
  })
}
