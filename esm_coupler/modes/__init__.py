"""How a request becomes latents: from the date alone, or around an analysis."""
