/** The elements of Go's layouts for metav1.Time (RFC 3339) and metav1.MicroTime, with what each takes. */
const seconds: readonly (readonly [string, RegExp])[] = [
  ['2006', /^\d{4}/],
  ['-', /^-/],
  ['01', /^\d{2}/],
  ['-', /^-/],
  ['02', /^\d{2}/],
  ['T', /^T/],
  ['15', /^\d{2}/],
  [':', /^:/],
  ['04', /^\d{2}/],
  [':', /^:/],
  ['05', /^\d{2}(?:[.,]\d+)?/],
  ['Z07:00', /^(?:Z|[+-]\d{2}:\d{2})/],
]
const microseconds = seconds.flatMap((element) =>
  element[0] === '05'
    ? ([
        ['05', /^\d{2}/],
        ['.000000', /^\.\d{6}/],
      ] as const)
    : [element],
)
const layouts = {
  time: { elements: seconds, text: '2006-01-02T15:04:05Z07:00' },
  micro: { elements: microseconds, text: '2006-01-02T15:04:05.000000Z07:00' },
}

/** Why the text is no metav1.Time or MicroTime, in the words of Go's time.Parse; undefined where it is one. */
export function timeError(text: string, form: 'time' | 'micro'): string | undefined {
  const { elements, text: layout } = layouts[form]
  const parsing = `parsing time ${JSON.stringify(text)}`
  let rest = text
  const numbers: number[] = []
  for (const [element, pattern] of elements) {
    const found = pattern.exec(rest)?.[0]
    if (found === undefined)
      return `${parsing} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(element)}`
    if (/^\d/.test(element)) numbers.push(Number.parseInt(found, 10))
    rest = rest.slice(found.length)
  }
  if (rest !== '') return `${parsing}: extra text: ${JSON.stringify(rest)}`
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = numbers
  const daysInMonth = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()
  const outOfRange =
    month < 1 || month > 12
      ? 'month'
      : day < 1 || day > daysInMonth
        ? 'day'
        : hour > 23
          ? 'hour'
          : minute > 59
            ? 'minute'
            : second > 59
              ? 'second'
              : undefined
  return outOfRange && `${parsing}: ${outOfRange} out of range`
}
