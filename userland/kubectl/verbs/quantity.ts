import { Failure } from '../cli/failure.ts'

/** Throws apimachinery's sentence for what is no amount of a resource. */
export function checkQuantity(text: string): void {
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/.test(text))
    throw new Failure("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
}
