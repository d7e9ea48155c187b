/**
 * `node native/embed.mjs PROGRAM STRIPPED ASSEMBLY`: strips init's executable and writes the assembly that puts it into the addon:
 *
 *   extern "C" const unsigned char runt_init_image[];
 *   extern "C" const size_t runt_init_image_size;
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

const [program, stripped, assembly] = process.argv.slice(2).map((path) => resolve(path))

execFileSync(process.env.STRIP ?? 'strip', ['--strip-all', '--remove-section=.comment', '-o', stripped, program], {
  stdio: 'inherit',
})
writeFileSync(
  assembly,
  `// Made by native/embed.mjs.
  .section .rodata
  .global runt_init_image
  .hidden runt_init_image
  .type runt_init_image, %object
  .balign 16
runt_init_image:
  .incbin "${stripped}"
  .set runt_init_image_length, . - runt_init_image
  .size runt_init_image, runt_init_image_length
  .global runt_init_image_size
  .hidden runt_init_image_size
  .type runt_init_image_size, %object
  .balign 8
runt_init_image_size:
  .quad runt_init_image_length
  .size runt_init_image_size, 8
  .section .note.GNU-stack, "", %progbits
`,
)
