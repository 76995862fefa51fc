// Says on SIGUSR2 what glibc has handed out and what it keeps free, then gives the free pages back. Preloaded by plainSessions.ts's user:
//   gcc -shared -fPIC -o /tmp/allocator.so packages/backend-onnx/scripts/allocator.c
#include <malloc.h>
#include <signal.h>
#include <stdio.h>

static void say(int signal) {
  struct mallinfo2 now = mallinfo2();
  (void)signal;
  fprintf(stderr, "in use %.1f MiB, kept free %.1f MiB, ", now.uordblks / 1048576.0, now.fordblks / 1048576.0);
  malloc_trim(0);
}

__attribute__((constructor)) static void begin(void) { signal(SIGUSR2, say); }
