"""Where points live: one contract, and the engines that fulfil it."""
