/**
 * `node native/embed.mjs [--strip] FILE SYMBOL ASSEMBLY`: writes the assembly that puts a file into a program:
 *
 *   extern "C" const unsigned char SYMBOL[];
 *   extern "C" const size_t SYMBOL_size;
 *
 * With --strip the file is an executable, of which FILE.stripped is made first.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

const args = process.argv.slice(2)
const strips = args[0] === '--strip'
if (strips) args.shift()
const [given, symbol, assembly] = args
let file = resolve(given)
if (strips) {
  const stripped = `${file}.stripped`
  execFileSync(process.env.STRIP ?? 'strip', ['--strip-all', '--remove-section=.comment', '-o', stripped, file], {
    stdio: 'inherit',
  })
  file = stripped
}
writeFileSync(
  assembly,
  `// Made by native/embed.mjs.
  .section .rodata
  .global ${symbol}
  .hidden ${symbol}
  .type ${symbol}, %object
  .balign 16
${symbol}:
  .incbin "${file}"
  .set ${symbol}_length, . - ${symbol}
  .size ${symbol}, ${symbol}_length
  .global ${symbol}_size
  .hidden ${symbol}_size
  .type ${symbol}_size, %object
  .balign 8
${symbol}_size:
  .quad ${symbol}_length
  .size ${symbol}_size, 8
  .section .note.GNU-stack, "", %progbits
`,
)
