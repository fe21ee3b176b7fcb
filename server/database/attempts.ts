import type { Insertable } from 'kysely'
import type { Database } from './open-database.ts'
import type { AttemptRow } from './schema.ts'

/** A session is recorded once, however often its end is repeated. */
export async function recordAttempt(database: Database, row: Insertable<AttemptRow>): Promise<void> {
  await database
    .insertInto('attempts')
    .values(row)
    .onConflict((conflict) => conflict.column('session').doNothing())
    .execute()
}

/** The best score of every lab that was finished. */
export async function bestScores(database: Database): Promise<ReadonlyMap<string, number>> {
  const rows = await database
    .selectFrom('attempts')
    .select(({ fn }) => ['lab', fn.max('earned').as('best')])
    .groupBy('lab')
    .execute()
  return new Map(rows.map((row) => [row.lab, Number(row.best)]))
}
