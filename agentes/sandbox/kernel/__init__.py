"""What all practice platforms stand on: the door, the book, the faults, the workshop."""
