import type { Command } from '../../simulator/programs/process.ts'
import { tar } from '../tar/tar.ts'
import { awk } from './awk.ts'
import { column, cut, paste, sort, tr, uniq } from './columns.ts'
import { diff } from './diff.ts'
import { basename, chmod, cp, dirname, ln, ls, mkdir, mv, realpath, rm, rmdir, stat, touch } from './files.ts'
import { find } from './find.ts'
import { cat, head, nl, rev, seq, tac, tail, tee, wc, yes } from './flow.ts'
import { grep } from './grep.ts'
import { jq } from './jq.ts'
import { less, watch } from './screen.ts'
import { sed } from './sed.ts'
import { stty, tty } from './stty.ts'
import {
  base64,
  clear,
  date,
  echo,
  env,
  falseCommand,
  hostname,
  id,
  printenv,
  printf,
  reset,
  sleep,
  test,
  timeout,
  trueCommand,
  uname,
  uptime,
  which,
  whoami,
} from './system.ts'
import { xargs } from './xargs.ts'

/** Text filters, file tools and small system tools by the name under which they stand on PATH. */
export const filters: Readonly<Record<string, Command>> = {
  '[': test,
  stty,
  tty,
  awk,
  base64,
  basename,
  cat,
  chmod,
  clear,
  column,
  cp,
  cut,
  date,
  diff,
  dirname,
  echo,
  egrep: grep,
  env,
  false: falseCommand,
  fgrep: grep,
  find,
  grep,
  head,
  hostname,
  id,
  jq,
  less,
  ln,
  ls,
  mkdir,
  more: less,
  mv,
  nl,
  paste,
  printenv,
  printf,
  readlink: realpath,
  realpath,
  reset,
  rev,
  rm,
  rmdir,
  sed,
  seq,
  sleep,
  sort,
  stat,
  tac,
  tail,
  tar,
  tee,
  test,
  timeout,
  touch,
  tr,
  true: trueCommand,
  uname,
  uniq,
  uptime,
  watch,
  wc,
  which,
  whoami,
  xargs,
  yes,
}
