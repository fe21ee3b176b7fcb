const separator = '(?:[._]|__|-+)'
const component = `[a-z0-9]+(?:${separator}[a-z0-9]+)*`
const label = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const domain = `(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`
const digest = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}'
const reference = new RegExp(`^(?:${domain}/)?${component}(?:/${component})*(?::[\\w][\\w.-]{0,127})?(?:@${digest})?$`)

/** Whether distribution/reference parses it (ReferenceRegexp): what `kubectl run` asks of --image. A name has at most 255 signs. */
export function isImageReference(text: string): boolean {
  return reference.test(text) && text.replace(/@.*$/, '').replace(/:[^/:]*$/, '').length <= 255
}
