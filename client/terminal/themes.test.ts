import { expect, it } from 'vitest'
import { terminalThemes } from './themes.ts'

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

const names = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const
const ansi = names.flatMap((name) => [name, `bright${name[0]!.toUpperCase()}${name.slice(1)}` as 'brightRed'])

it.each(['light', 'dark'] as const)('every colour of the %s terminal can be read (WCAG AA, 4.5:1)', (name) => {
  const theme = terminalThemes[name]
  for (const colour of ['foreground' as const, 'cursor' as const, ...ansi]) {
    expect(contrast(theme[colour]!, theme.background), `${name} ${colour}`).toBeGreaterThanOrEqual(4.5)
  }
})
