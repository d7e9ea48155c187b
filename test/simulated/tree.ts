/** Files in memory: directories, files and fifos, with what Linux answers when they are misused. */
import { SystemError } from '../../src/errors.ts'
import { errnoNumber } from '../../src/runtime/errno.ts'

export interface Directory {
  kind: 'directory'
  children: Map<string, Node>
  /** Unlinked; open descriptors still hold it. */
  removed: boolean
  /** Who holds flock(2) on it. */
  lockedBy: OpenFile | undefined
}

export interface TextFile {
  kind: 'file'
  text: string
  mode: number
}

export interface Fifo {
  kind: 'fifo'
  data: number[]
  opens: Set<OpenFile>
}

export type Node = Directory | TextFile | Fifo

/** An open file description; several descriptors may stand for it. */
export interface OpenFile {
  node: Node
  path: string
  read: boolean
  write: boolean
  /** Descriptors and processes that hold it. */
  holders: number
}

export function systemError(code: string, syscall: string, path?: string): SystemError {
  return new SystemError(code, errnoNumber(code) ?? 5, syscall, path)
}

export function directory(): Directory {
  return { kind: 'directory', children: new Map(), removed: false, lockedBy: undefined }
}

export class Tree {
  readonly root = directory()

  /** undefined where there is nothing. */
  find(path: string, call = 'open'): Node | undefined {
    let node: Node = this.root
    for (const name of parts(path)) {
      if (node.kind !== 'directory') throw systemError('ENOTDIR', call, path)
      const next = node.children.get(name)
      if (next === undefined) return undefined
      node = next
    }
    return node
  }

  get(path: string, call: string): Node {
    const node = this.find(path, call)
    if (node === undefined) throw systemError('ENOENT', call, path)
    return node
  }

  directory(path: string, call: string): Directory {
    const node = this.get(path, call)
    if (node.kind !== 'directory') throw systemError('ENOTDIR', call, path)
    return node
  }

  parent(path: string, call: string): { directory: Directory; name: string } {
    const names = parts(path)
    const name = names.pop() ?? ''
    const parent = this.find(`/${names.join('/')}`, call)
    if (parent === undefined) throw systemError('ENOENT', call, path)
    if (parent.kind !== 'directory') throw systemError('ENOTDIR', call, path)
    return { directory: parent, name }
  }

  add(path: string, node: Node, call: string): void {
    const { directory: parent, name } = this.parent(path, call)
    if (parent.removed) throw systemError('ENOENT', call, path)
    if (parent.children.has(name)) throw systemError('EEXIST', call, path)
    parent.children.set(name, node)
  }

  makeParents(path: string): void {
    let at = ''
    for (const name of parts(path)) {
      at += `/${name}`
      if (this.find(at) === undefined) this.add(at, directory(), 'mkdir')
    }
  }

  remove(path: string, call: string): void {
    const { directory: parent, name } = this.parent(path, call)
    const node = parent.children.get(name)
    if (node === undefined) throw systemError('ENOENT', call, path)
    if (node.kind === 'directory') {
      for (const child of [...node.children.keys()]) this.remove(`${path}/${child}`, call)
      node.removed = true
    }
    parent.children.delete(name)
  }

  /** Every path below `path` that is there, sorted. */
  paths(path: string): string[] {
    const node = this.find(path)
    if (node?.kind !== 'directory') return []
    const own = [...node.children.keys()].map((name) => `${path === '/' ? '' : path}/${name}`)
    return own.flatMap((child) => [child, ...this.paths(child)]).sort()
  }
}

function parts(path: string): string[] {
  return path.split('/').filter((name) => name !== '')
}
