"""Other code bases' conventions, so that their published numbers can be reproduced and explained."""
