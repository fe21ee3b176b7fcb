import { expect, test } from 'vitest'
import { stage } from '../testing/stage.ts'
import { mysql, mysqladmin } from './client.ts'
import { mysqlDaemon } from './mysqld.ts'

const argv = ['docker-entrypoint.sh', 'mysqld']
const daemon = mysqlDaemon('8.4.7', 'MySQL Community Server - GPL')
const programs = { mysql, mysqladmin }

test('refuses to begin without a password option', () => {
  const set = stage()
  const started = set.daemon(daemon, set.server, { argv })
  expect(started.exits).toEqual([1])
  expect(started.log[0]).toBe('2023-11-14 22:13:20+00:00 [Note] [Entrypoint]: Entrypoint script for MySQL Server 8.4.7-1.el9 started.')
  expect(started.log.slice(3)).toEqual([
    '2023-11-14 22:13:20+00:00 [ERROR] [Entrypoint]: Database is uninitialized and password option is not specified',
    '    You need to specify one of the following as an environment variable:',
    '    - MYSQL_ROOT_PASSWORD',
    '    - MYSQL_ALLOW_EMPTY_PASSWORD',
    '    - MYSQL_RANDOM_ROOT_PASSWORD',
  ])
})

test('comes up, authenticates, and is there after a restore', async () => {
  const set = stage({ 'db.default.svc.cluster.local.': '10.244.1.8' })
  const env = { MYSQL_ROOT_PASSWORD: 'secret', MYSQL_DATABASE: 'shop' }
  const files = set.files('gnu')
  const started = set.daemon(daemon, set.server, { argv, env, files })
  const early = await set.run('mysqladmin ping -h db', { programs })
  expect(early.code).toBe(1)
  expect(early.err).toContain("error: 'Can't connect to MySQL server on 'db:3306' (111)'\n")
  set.net.advance(1000)
  expect(started.log.at(-1)).toContain(
    "[MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '8.4.7'  socket: '/var/run/mysqld/mysqld.sock'  port: 3306",
  )
  expect(await set.run('mysqladmin ping -h db -uroot -psecret', { programs })).toMatchObject({ code: 0, out: 'mysqld is alive\n' })
  expect(await set.run("mysql -h db -uroot -psecret -N -e 'SELECT VERSION()'", { programs })).toMatchObject({ code: 0, out: '8.4.7\n' })
  const denied = await set.run("mysql -h db -uroot -pwrong -e 'SELECT 1'", { programs })
  expect(denied.code).toBe(1)
  expect(denied.err).toContain("ERROR 1045 (28000): Access denied for user 'root'@'10.244.0.5' (using password: YES)\n")
  expect((await set.run("mysql -h nobody -uroot -e 'SELECT 1'", { programs })).err).toBe(
    "ERROR 2005 (HY000): Unknown MySQL server host 'nobody' (-2)\n",
  )

  const memory = structuredClone(started.memory)
  started.running.stop()
  const resumed = set.daemon(daemon, set.server, { argv, env, files, memory, resumed: true })
  expect(resumed.log).toEqual([])
  expect((await set.run('mysqladmin ping -h db -psecret', { programs })).out).toBe('mysqld is alive\n')
})
