"""What is seen in the data beside wrong labels: a file for each kind of finding."""
