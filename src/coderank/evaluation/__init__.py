"""Is an answer good, and is one engine better than another? Pure measures, runs, and reports of both."""
