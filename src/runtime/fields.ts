/** JSON Pointers for people. */

/** `/mounts/3/options/0` → `mounts[3].options[0]`; the whole document is `config.json`. A flag stays as it is. */
export function fieldName(pointer: string): string {
  if (pointer === '') return 'config.json'
  if (!pointer.startsWith('/')) return pointer
  let name = ''
  for (const part of pointer.slice(1).split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (/^(0|[1-9][0-9]*)$/.test(key)) name += `[${key}]`
    else if (/^[A-Za-z_$][\w$-]*$/.test(key)) name += name === '' ? key : `.${key}`
    else name += `[${JSON.stringify(key)}]`
  }
  return name
}
