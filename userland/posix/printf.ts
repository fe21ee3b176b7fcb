import { unescapeAnsi } from '../shell/lexer.ts'

/** What `printf` prints for its operands (POSIX XCU printf); `errors` are its complaints, without the command's name. */
export function formatPrintf(format: string, operands: readonly string[]): { text: string; errors: string[] } {
  const errors: string[] = []
  const pieces =
    format.match(
      /%(?:%|[-+ #0]*(?:\*|\d*)(?:\.(?:\*|\d*))?(?:[A-Za-z]|\([^)]*\)T))|%|\\(?:x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|[0-7]{1,3}|[\s\S])?|[^%\\]+/g,
    ) ?? []
  let text = ''
  let at = 0
  const take = () => operands[at++]
  const number = (word: string | undefined): number => {
    if (word === undefined || word === '') return 0
    if (/^['"]/.test(word)) return word.codePointAt(1) ?? 0
    const match = /^\s*([-+]?)(0[xX][0-9a-fA-F]+|\d+)/.exec(word)
    if (!match || match[0] !== word) errors.push(`${word}: invalid number`)
    if (!match) return 0
    const digits = match[2] as string
    const value = /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits)
    return match[1] === '-' ? -value : value
  }
  do {
    const before = at
    let stop = false
    for (const item of pieces) {
      if (item === '%%') text += '%'
      else if (item.startsWith('\\')) {
        if (item === '\\c') return { text, errors }
        text += unescapeAnsi(item)
      } else if (/^%./.test(item)) {
        const [, flags, widthText, precisionText, conversion] = /^%([-+ #0]*)(\*|\d*)(?:\.(\*|\d*))?(.*)$/.exec(item) as unknown as string[]
        const widthValue = widthText === '*' ? number(take()) : Number(widthText || '0')
        const precision = precisionText === undefined ? undefined : precisionText === '*' ? number(take()) : Number(precisionText || '0')
        const left = (flags as string).includes('-') || widthValue < 0
        const width = Math.abs(widthValue)
        const formatted = convert(conversion as string, flags as string, precision, take, number)
        if (formatted === undefined) {
          errors.push(`\`${conversion}': invalid format character`)
          return { text, errors }
        }
        if (formatted.stop) stop = true
        const zeros =
          (flags as string).includes('0') &&
          !left &&
          !/[sbcq]/.test(conversion as string) &&
          (precision === undefined || /[fFeEgG]/.test(conversion as string))
        const sign = zeros ? (/^[-+ ]|^0[xX]/.exec(formatted.text)?.[0] ?? '') : ''
        text += left
          ? formatted.text.padEnd(width)
          : zeros
            ? sign + formatted.text.slice(sign.length).padStart(width - sign.length, '0')
            : formatted.text.padStart(width)
        if (stop) return { text, errors }
      } else text += item
    }
    if (at === before) break
  } while (at < operands.length)
  return { text, errors }
}

function convert(
  conversion: string,
  flags: string,
  precision: number | undefined,
  take: () => string | undefined,
  number: (word: string | undefined) => number,
): { text: string; stop?: boolean } | undefined {
  const signed = (value: number, text: string) =>
    value >= 0 && flags.includes('+') ? `+${text}` : value >= 0 && flags.includes(' ') ? ` ${text}` : text
  switch (conversion) {
    case 's':
      return { text: (take() ?? '').slice(0, precision) }
    case 'b': {
      const word = take() ?? ''
      const stop = word.indexOf('\\c')
      return { text: unescapeAnsi(stop < 0 ? word : word.slice(0, stop)).slice(0, precision), stop: stop >= 0 }
    }
    case 'q': {
      const word = take() ?? ''
      return { text: word === '' ? "''" : word.replace(/[^\w@%+=:,./-]/g, '\\$&') }
    }
    case 'c':
      return { text: (take() ?? '').slice(0, 1) }
    case 'd':
    case 'i': {
      const value = number(take())
      const digits = `${Math.abs(value)}`.padStart(precision ?? 0, '0')
      return { text: signed(value, value < 0 ? `-${digits}` : digits) }
    }
    case 'u':
      return { text: `${BigInt.asUintN(64, BigInt(number(take())))}` }
    case 'o':
    case 'x':
    case 'X': {
      const digits = BigInt.asUintN(64, BigInt(number(take()))).toString(conversion === 'o' ? 8 : 16)
      const padded = digits.padStart(precision ?? 0, '0')
      const text = flags.includes('#') && conversion !== 'o' && digits !== '0' ? `0x${padded}` : padded
      return { text: conversion === 'X' ? text.toUpperCase() : text }
    }
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G': {
      const word = take()
      const value = Number.parseFloat(word ?? '0') || 0
      const text = formatFloat(conversion, value, precision)
      return { text: signed(value, /[EG]/.test(conversion) ? text.toUpperCase() : text) }
    }
    default:
      return undefined
  }
}

/** `%f`, `%e` and `%g` as C prints them. */
export function formatFloat(conversion: string, value: number, precision = 6): string {
  const exponent = (digits: number) => value.toExponential(digits).replace(/e([-+])(\d)$/, 'e$10$2')
  switch (conversion.toLowerCase()) {
    case 'f':
      return value.toFixed(Math.min(100, precision))
    case 'e':
      return exponent(precision)
    default: {
      const digits = Math.max(1, precision)
      if (value === 0) return '0'
      const power = Number(value.toExponential(digits - 1).split('e')[1])
      if (power < -4 || power >= digits) return exponent(digits - 1).replace(/\.?0+e/, 'e')
      const fixed = value.toFixed(Math.max(0, digits - 1 - power))
      return fixed.includes('.') ? fixed.replace(/\.?0+$/, '') : fixed
    }
  }
}
