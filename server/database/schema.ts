import type { Generated } from 'kysely'

/** Columns that end in `_json` hold JSON; times are ISO texts. */
export interface Tables {
  readonly sessions: SessionRow
  readonly terminals: TerminalRow
  readonly attempts: AttemptRow
}

export interface SessionRow {
  id: string
  lab: string
  engine: string
  spec_json: string
  /** Of the cluster: the engine knows it by this. A reset without checkpoints gives a new one. */
  cluster: string
  state: string
  created_at: string
  ready_at: string | null
  ended_at: string | null
  steps_json: string
  results_json: string
  baseline_json: string | null
  failure_json: string | null
  hints_revealed: number
}

export interface TerminalRow {
  session: string
  terminal: string
  /** Serialised by xterm's addon: escape sequences that draw it anew. */
  screen: string
  columns: number
  rows: number
  /** Bytes of output so far. */
  offset: number
}

export interface AttemptRow {
  id: Generated<number>
  session: string
  lab: string
  finished_at: string
  earned: number
  possible: number
  hint_cost: number
  /** ms from ready to finished. */
  took: number
}

/** Each runs once, in order; `PRAGMA user_version` counts them. Written rows stay readable: never edit one, add one. */
export const migrations: readonly string[] = [
  `
  create table sessions (
    id text primary key,
    lab text not null,
    engine text not null,
    spec_json text not null,
    cluster text not null,
    state text not null,
    created_at text not null,
    ready_at text,
    ended_at text,
    steps_json text not null,
    results_json text not null,
    baseline_json text,
    failure_json text,
    hints_revealed integer not null
  ) strict;
  create index sessions_by_state on sessions (state);
  create table terminals (
    session text not null references sessions (id) on delete cascade,
    terminal text not null,
    screen text not null,
    columns integer not null,
    rows integer not null,
    offset integer not null,
    primary key (session, terminal)
  ) strict;
  create table attempts (
    id integer primary key,
    session text not null unique,
    lab text not null,
    finished_at text not null,
    earned integer not null,
    possible integer not null,
    hint_cost integer not null,
    took integer not null
  ) strict;
  create index attempts_by_lab on attempts (lab, earned);
  `,
]
