"""From a sentence to finished media: understand, plan, quote, delegate, join, deliver."""
