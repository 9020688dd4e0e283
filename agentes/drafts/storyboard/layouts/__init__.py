"""One layout for each intent of a photo; the file name is the intent."""
