"""The training of the prompt classifier: data in, weights and figures out. Needed to remake them, never to run."""
