/* says-when <fifo>: writes one byte into the FIFO as soon as it runs, then waits for ever. With a second argument, ends on SIGTERM after that
 * many ms. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int drain_ms = 0;

static void end(int signal) {
  (void)signal;
  usleep(drain_ms * 1000);
  _exit(0);
}

int main(int argc, char **argv) {
  if (argc > 2) {
    drain_ms = atoi(argv[2]);
    signal(SIGTERM, end);
  }
  int fifo = open(argv[1], O_WRONLY);
  if (write(fifo, "!", 1) != 1) return 1;
  for (;;) pause();
}
