"""The core metrics over batches of images, with torch: for a GPU that computes in float64.

Same definitions and constants as the modules one folder up, which remain the reference; values agree to
1e-9. Nothing here knows which device it runs on. Every image's value depends on that image alone, because it
is made of three kinds of steps:

- counting and summing integers, which is exact in whatever order a device does it. (`torch.bincount` is not
  deterministic on CUDA with weights, whose floating-point sums depend on the order; here it counts without);
- arithmetic element by element;
- sums over the pixels of an image as a tree of such additions (`reduction`), never in an order that a
  library chooses by the shape of the batch or the number of threads.

What only depends on one batch, or on two, is kept with it (`MeasuredBatch.once`), under the keys of the numpy
modules. Imported late, by the `measure_batch` of each metric: torch is slow to import.
"""
