/* What one operation takes, as per-operation.mjs measures it: NS_PER_OPERATION(result, work) sets `result` to the median of many batches. */
#include <stdlib.h>
#include <time.h>

#define BATCHES 41
#define BATCH_NS 10e6

static double now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e9 + now.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

#define NS_OF(many, ns, work)                        \
  do {                                               \
    double begun_ = now_ns();                        \
    for (long i_ = 0; i_ < (many); i_ += 1) { work } \
    (ns) = now_ns() - begun_;                        \
  } while (0)

#define NS_PER_OPERATION(result, work)                                  \
  do {                                                                  \
    double took_[BATCHES], ns_ = 0;                                     \
    long many_ = 1;                                                     \
    while (ns_ < BATCH_NS / 2) {                                        \
      many_ *= 2;                                                       \
      NS_OF(many_, ns_, work);                                          \
    }                                                                   \
    many_ = many_ * BATCH_NS / ns_ + 1;                                 \
    for (int batch_ = 0; batch_ < BATCHES; batch_ += 1) {               \
      NS_OF(many_, ns_, work);                                          \
      took_[batch_] = ns_ / many_;                                      \
    }                                                                   \
    qsort(took_, BATCHES, sizeof *took_, ascending);                    \
    (result) = took_[BATCHES / 2];                                      \
  } while (0)
