import type { Database } from './open-database.ts'
import type { TerminalRow } from './schema.ts'

export async function saveTerminal(database: Database, row: TerminalRow): Promise<void> {
  const { session: _, terminal: __, ...change } = row
  await database
    .insertInto('terminals')
    .values(row)
    .onConflict((conflict) => conflict.columns(['session', 'terminal']).doUpdateSet(change))
    .execute()
}

export async function findTerminal(database: Database, session: string, terminal: string): Promise<TerminalRow | undefined> {
  return database.selectFrom('terminals').selectAll().where('session', '=', session).where('terminal', '=', terminal).executeTakeFirst()
}

export async function forgetTerminal(database: Database, session: string, terminal?: string): Promise<void> {
  const query = database.deleteFrom('terminals').where('session', '=', session)
  await (terminal === undefined ? query : query.where('terminal', '=', terminal)).execute()
}
