/** A row of the Ingress specification's table of paths: which of the paths takes the request; undefined: none. */
export interface PathRow {
  readonly paths: readonly (readonly ['Exact' | 'Prefix', string])[]
  readonly request: string
  /** Index into `paths`. */
  readonly takes: number | undefined
}

const row = (paths: PathRow['paths'], request: string, takes: number | undefined): PathRow => ({ paths, request, takes })

/** https://kubernetes.io/docs/concepts/services-networking/ingress/#examples */
export const pathRows: readonly PathRow[] = [
  row([['Prefix', '/']], '/any/path', 0),
  row([['Exact', '/foo']], '/foo', 0),
  row([['Exact', '/foo']], '/bar', undefined),
  row([['Exact', '/foo']], '/foo/', undefined),
  row([['Exact', '/foo/']], '/foo', undefined),
  row([['Prefix', '/foo']], '/foo', 0),
  row([['Prefix', '/foo']], '/foo/', 0),
  row([['Prefix', '/foo/']], '/foo/', 0),
  row([['Prefix', '/aaa/bb']], '/aaa/bbb', undefined),
  row([['Prefix', '/aaa/bbb']], '/aaa/bbb', 0),
  row([['Prefix', '/aaa/bbb']], '/aaa/bbb/', 0),
  row([['Prefix', '/aaa/bbb']], '/aaa/bbb/ccc', 0),
  row([['Prefix', '/aaa/bbb']], '/aaa/bbbxyz', undefined),
  row(
    [
      ['Prefix', '/'],
      ['Prefix', '/aaa'],
    ],
    '/aaa/ccc',
    1,
  ),
  row(
    [
      ['Prefix', '/'],
      ['Prefix', '/aaa'],
      ['Prefix', '/aaa/bbb'],
    ],
    '/aaa/bbb',
    2,
  ),
  row(
    [
      ['Prefix', '/'],
      ['Prefix', '/aaa'],
      ['Prefix', '/aaa/bbb'],
    ],
    '/ccc',
    0,
  ),
  row([['Prefix', '/aaa']], '/ccc', undefined),
  row(
    [
      ['Prefix', '/foo'],
      ['Exact', '/foo'],
    ],
    '/foo',
    1,
  ),
]

/** Which of the hosts takes a request's Host: https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards */
export const hostRows: readonly (readonly [hosts: readonly string[], host: string, takes: number | undefined])[] = [
  [['foo.bar.com'], 'foo.bar.com', 0],
  [['foo.bar.com'], 'bar.com', undefined],
  [['*.foo.com'], 'bar.foo.com', 0],
  [['*.foo.com'], 'baz.bar.foo.com', undefined],
  [['*.foo.com'], 'foo.com', undefined],
  [['*.foo.com', 'bar.foo.com'], 'bar.foo.com', 1],
]
