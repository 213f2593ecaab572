/* writes-lines <lines> <whole | each>: lines of 100 bytes, in writes of 64 KiB or one for each line. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 100, BLOCK = 65536 / LINE * LINE };

int main(int argc, char **argv) {
  static char block[BLOCK];
  long lines = atol(argv[1]);
  size_t size = argc > 2 && strcmp(argv[2], "each") == 0 ? LINE : BLOCK;
  memset(block, 'x', sizeof block);
  for (int end = LINE - 1; end < BLOCK; end += LINE) block[end] = '\n';
  for (long left = lines * LINE; left > 0;) {
    ssize_t written = write(1, block, left < (long)size ? (size_t)left : size);
    if (written < 0) return 1;
    left -= written;
  }
  return 0;
}
