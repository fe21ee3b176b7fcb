import { cachedSchemas } from './cache.ts'

// `npm run build` makes the schemas beforehand, for installations that may not write into their own folder.
cachedSchemas()
