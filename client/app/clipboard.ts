/**
 * Copies text. The clipboard's own interface is kept from pages that come by plain HTTP from another machine (a workshop's server);
 * there the old command does it. Rejects where the browser allows neither.
 */
export async function copyToClipboard(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text)
  const before = document.activeElement
  const field = document.createElement('textarea')
  field.value = text
  field.className = 'out-of-sight'
  document.body.append(field)
  field.select()
  const done = document.execCommand('copy')
  field.remove()
  if (before instanceof HTMLElement) before.focus()
  if (!done) throw new Error('The browser did not allow copying.')
}
