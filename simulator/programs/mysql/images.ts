import { coreutils, inFolder, type Tools, tagsOf } from '../image-parts.ts'
import type { Image } from '../process.ts'
import { mysql, mysqladmin } from './client.ts'
import { mysqlDaemon } from './mysqld.ts'

const releases = [
  { version: '8.4.7', tags: ['lts', '8', '8.4', '8.4.7', '8.4.6', '8.4.5'] },
  { version: '9.5.0', tags: ['latest', '9', '9.5', '9.5.0', 'innovation'] },
  { version: '8.0.44', tags: ['8.0', '8.0.44', '8.0.43', '8.0.42'] },
]

/** MySQL; Oracle Linux inside, with a shell and few tools. */
export function mysqlImages(tools: Tools): Image[] {
  return releases.map(({ version, tags }) => {
    const daemon = mysqlDaemon(version, 'MySQL Community Server - GPL')
    return {
      repositories: ['docker.io/library/mysql'],
      tags: tagsOf(tags, ['', '-oraclelinux9', '-oracle']),
      entrypoint: ['docker-entrypoint.sh'],
      cmd: ['mysqld'],
      env: { MYSQL_MAJOR: version.split('.').slice(0, 2).join('.'), MYSQL_VERSION: `${version}-1.el9` },
      files: {
        '/etc/os-release': 'NAME="Oracle Linux Server"\nVERSION="9.6"\nID="ol"\nVERSION_ID="9.6"\nPRETTY_NAME="Oracle Linux Server 9.6"\n',
        '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nmysql:x:999:999::/var/lib/mysql:/bin/bash\n',
        '/etc/my.cnf':
          '[mysqld]\nskip-host-cache\nskip-name-resolve\ndatadir=/var/lib/mysql\nsocket=/var/run/mysqld/mysqld.sock\nuser=mysql\n',
      },
      executables: {
        ...inFolder('/usr/bin', tools, [...coreutils, 'sh', 'bash']),
        ...inFolder('/bin', tools, ['sh', 'bash']),
        '/usr/local/bin/docker-entrypoint.sh': daemon,
        '/usr/sbin/mysqld': daemon,
        '/usr/bin/mysql': mysql,
        '/usr/bin/mysqladmin': mysqladmin,
      },
    }
  })
}
