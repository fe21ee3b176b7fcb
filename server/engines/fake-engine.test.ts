import { describeEngine } from './contract.ts'
import { createFakeEngine, type FakeDisk } from './fake-engine.ts'

// The suite itself is tested on the fake engine, which has no network and no shell of its own.
const disk = new Map<string, FakeDisk>()
describeEngine('fake', () => createFakeEngine({ disk, checkpoints: true, createMs: 5 }), {
  script: 'create ConfigMap default/made {"data":{"by":"script"}}',
  size: { command: 'size', says: (columns, rows) => `${columns}x${rows}` },
  skips: {
    'lays the files of a script beside it': 'its scripts read no files',
    'returns the exit code of a script that fails': 'its scripts know one failure only',
    'probes: an open port answers, a closed one refuses, a name that is none is not resolved': 'it has no network',
    'stops reading a terminal while its output is not taken': 'its shell knows no endless command',
  },
})
