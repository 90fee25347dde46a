#include <stdint.h>
#include <stddef.h>

#define RING_SIZE 256

/* Samples of one sensor; the newest overwrite the oldest. */
struct ring {
    int16_t samples[RING_SIZE];
    size_t head;
    size_t count;
};

void ring_push(struct ring *ring, int16_t sample)
{
    ring->samples[ring->head] = sample;
    ring->head = (ring->head + 1) % RING_SIZE;
    if (ring->count < RING_SIZE)
        ring->count++;
}

/* Mean of what is stored, 0 of nothing. */
int16_t ring_mean(const struct ring *ring)
{
    int32_t sum = 0;
    for (size_t n = 0; n < ring->count; n++)
        sum += ring->samples[n];
    return ring->count ? (int16_t)(sum / (int32_t)ring->count) : 0;
}
