"""The site of the documentation: pages made from the code, and checks."""
