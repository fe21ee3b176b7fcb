import type { Database } from './open-database.ts'
import type { SessionRow } from './schema.ts'

export async function insertSession(database: Database, row: SessionRow): Promise<void> {
  await database.insertInto('sessions').values(row).execute()
}

export async function updateSession(database: Database, id: string, change: Partial<Omit<SessionRow, 'id'>>): Promise<void> {
  await database.updateTable('sessions').set(change).where('id', '=', id).execute()
}

export async function findSession(database: Database, id: string): Promise<SessionRow | undefined> {
  return database.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function openSessions(database: Database): Promise<SessionRow[]> {
  return database.selectFrom('sessions').selectAll().where('state', 'in', ['provisioning', 'ready']).orderBy('created_at').execute()
}

/** The newest first. */
export async function recentSessions(database: Database, limit: number): Promise<SessionRow[]> {
  return database.selectFrom('sessions').selectAll().orderBy('created_at', 'desc').limit(limit).execute()
}
