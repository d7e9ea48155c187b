/** Why an archive is not taken, in words. */
import type { Refusal } from '../host/host.ts'

const sentences: Readonly<Record<Refusal['kind'], (detail: string) => string>> = {
  compression: (detail) => `cannot be decompressed: ${detail}`,
  tar: (detail) => `is no tar, or a damaged one: ${detail}`,
  parser: (detail) => `the process that took it apart ${detail}: the archive may be made to attack libarchive`,
  entries: (detail) => `has more than ${detail} entries`,
  names: (detail) => `has more than ${detail} bytes of names`,
  bytes: (detail) => `has more than ${detail} bytes`,
  outside: () => 'its name, or that of what it links to, leads out of the image',
  'no-name': () => 'has no name',
  'name-length': (detail) => `a part of its name is longer than ${detail} bytes`,
  'path-length': (detail) => `its name is longer than ${detail} bytes`,
  depth: (detail) => `is deeper than ${detail} directories`,
  'parent-type': (detail) => `${detail}, above it, is no directory`,
  'parent-dangling': (detail) => `${detail}, above it, is a symlink to nothing in the image`,
  'parent-loop': (detail) => `${detail}, above it, is a loop of symlinks`,
  whiteout: () => 'is a name that is reserved for whiteouts, and hides nothing',
  'whiteout-device': () => 'is the device 0:0, which hides files and is none',
  'link-target': (detail) => `is a hard link to ${detail}, which is no file of the image`,
  symlink: () => 'is a symlink to nothing',
  root: () => 'the root of the image is no directory',
  type: () => 'is of a type that an image cannot have',
  owner: (detail) => `its owner ${detail} is out of range`,
  xattr: (detail) => `has the extended attribute ${detail}, which is overlayfs's own`,
}

/** `has more than 10 entries`, `entry "../x": its name leads …`: what goes after the archive's name. */
export function refusalText({ kind, name, detail }: Refusal): string {
  const sentence = sentences[kind](detail)
  return name === '' ? sentence : `entry ${JSON.stringify(name)}: ${sentence}`
}

/** What helps, where a limit was met. */
export function refusalHint({ kind }: Refusal): string | undefined {
  if (kind === 'entries' || kind === 'names') return 'an image that is trusted may have more: --max-entries'
  if (kind === 'bytes') return 'an image that is trusted may have more: --max-size'
  return undefined
}
